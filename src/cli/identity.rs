//! The user that the program runs as, in containers that start as root.

use super::Failure;
use crate::fault::Fault;
use std::io;

/// Becomes the user that `USER_ID` and `GROUP_ID` name, if the process is root and both are set. What it writes then
/// belongs to that user; nothing that exists changes its owner.
pub(super) fn take() -> Result<(), Failure> {
    // SAFETY: a plain call.
    let is_root = unsafe { libc::geteuid() } == 0;
    let wanted = id("USER_ID")?.zip(id("GROUP_ID")?);
    let Some((user, group)) = wanted.filter(|_| is_root) else {
        return Ok(());
    };
    // SAFETY: plain calls, and a list of one group. The groups first: afterwards they may not be changed any more.
    let is_done = unsafe {
        libc::setgroups(1, &group) == 0 && libc::setgid(group) == 0 && libc::setuid(user) == 0
    };
    match is_done {
        true => Ok(()),
        false => {
            let what = format!("cannot become user {user} of group {group}");
            let fault = Fault::io(what, &io::Error::last_os_error());
            Err(Failure::fatal(
                fault,
                "unset USER_ID and GROUP_ID, or start with --user",
            ))
        }
    }
}

fn id(name: &str) -> Result<Option<u32>, Failure> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let number = value.to_str().and_then(|text| text.parse::<u32>().ok());
    match number {
        // The largest means "none" to the system.
        Some(number) if number < u32::MAX => Ok(Some(number)),
        _ => Err(Failure::usage(
            format!("the variable {name} is not the number of a user or group"),
            "set it to the output of `id -u` or `id -g`, or unset it",
        )),
    }
}

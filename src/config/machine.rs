//! Memory and processors available to this process, from the machine and its control groups.

use std::path::{Component, Path, PathBuf};

/// Number of processors that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get())
}

/// Memory in bytes available to this process and its children: that of the machine, or less if a control
/// group limits it (a container, a batch job). `None` if the system does not report it.
pub(crate) fn memory() -> Option<u64> {
    memory_below(Path::new("/"))
}

/// Memory in bytes that this process and its children hold, without pages of files that the system can drop.
pub(crate) fn own_memory() -> u64 {
    own_memory_below(Path::new("/proc"))
}

/// Keeps the memory of a process that runs for long from growing by what lies between freed parts of it: large buffers are
/// mapped one by one, so they are gone when freed, and few threads have an arena of their own. To be called before any other
/// thread is there.
///
/// By default glibc raises the size from which buffers are mapped to that of the largest that was freed, 32 MiB at most, and
/// pictures then lie among the records of jobs.
pub(crate) fn keep_memory_flat() {
    // SAFETY: plain calls.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
        libc::mallopt(libc::M_ARENA_MAX, 4);
    }
}

/// Gives freed memory back to the system.
pub(crate) fn release_memory() {
    // SAFETY: a plain call.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

fn own_memory_below(proc: &Path) -> u64 {
    let own = held(&proc.join("self/status"));
    let children = std::fs::read_dir(proc.join("self/task"))
        .into_iter()
        .flatten();
    let children = children.flatten().flat_map(|task| {
        let listed = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        listed
            .split_whitespace()
            .map(str::to_string)
            .collect::<Vec<_>>()
    });
    own + children
        .map(|child| held(&proc.join(child).join("status")))
        .sum::<u64>()
}

/// `RssAnon` and `RssShmem` of a process's status, in bytes; 0 if it is gone.
fn held(status: &Path) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    ["RssAnon:", "RssShmem:"]
        .iter()
        .filter_map(|name| kib(name))
        .sum::<u64>()
        * 1024
}

/// Memory in bytes that the control group of this process uses, without files that the system can drop, and its
/// limit; `None` without a limit.
pub(crate) fn group_memory() -> Option<(u64, u64)> {
    group_memory_below(Path::new("/"))
}

fn group_memory_below(root: &Path) -> Option<(u64, u64)> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let number =
        |path: &Path| -> Option<u64> { std::fs::read_to_string(path).ok()?.trim().parse().ok() };
    let used = groups
        .lines()
        .filter_map(group)
        .flat_map(|(folder, path, file)| {
            let folder = root.join(folder);
            let ancestors: Vec<PathBuf> = path.ancestors().map(|path| folder.join(path)).collect();
            ancestors.into_iter().filter_map(move |group| {
                let limit = number(&group.join(file)).filter(|limit| *limit < NO_LIMIT)?;
                let (usage, inactive) = match file {
                    "memory.max" => ("memory.current", "inactive_file "),
                    _ => ("memory.usage_in_bytes", "total_inactive_file "),
                };
                let stat = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
                let dropped = stat.lines().find_map(|line| line.strip_prefix(inactive));
                let dropped = dropped.and_then(|n| n.trim().parse().ok()).unwrap_or(0);
                Some((number(&group.join(usage))?.saturating_sub(dropped), limit))
            })
        });
    // The group that has least left.
    used.min_by_key(|(used, limit)| limit.saturating_sub(*used))
}

/// Limits above this are how the first version of control groups says that there is none.
const NO_LIMIT: u64 = 1 << 60;

/// The same, with another root of the file system.
fn memory_below(root: &Path) -> Option<u64> {
    let machine = std::fs::read_to_string(root.join("proc/meminfo"))
        .ok()
        .and_then(|text| total(&text));
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups
        .lines()
        .filter_map(group)
        .flat_map(|(folder, path, file)| {
            // A group's limit also holds for groups in it. In a container the path may be that of the host,
            // with the group mounted as the root.
            let folder = root.join(folder);
            let ancestors: Vec<PathBuf> = path.ancestors().map(|path| folder.join(path)).collect();
            ancestors.into_iter().filter_map(move |group| {
                // No limit is written as `max`, or as a number larger than any memory.
                std::fs::read_to_string(group.join(file))
                    .ok()?
                    .trim()
                    .parse::<u64>()
                    .ok()
            })
        });
    machine.into_iter().chain(limits).min()
}

/// `MemTotal` of `/proc/meminfo`.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    kib.checked_mul(1024)
}

/// From a line of `/proc/self/cgroup`, `number:controllers:path`: folder of the hierarchy, path within it,
/// and name of the limit file. `None` for hierarchies without a memory limit.
fn group(line: &str) -> Option<(&'static str, PathBuf, &'static str)> {
    let mut parts = line.splitn(3, ':');
    let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let (folder, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        names if names.split(',').any(|name| name == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return None,
    };
    // Relative, and without `..`, which stands for groups invisible to a container.
    let path = Path::new(path)
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .collect();
    Some((folder, path, file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn machine(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        memory_below(root.path())
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:       8000 kB\nMemFree:   1 kB\n");

    #[test]
    fn the_least_limit_of_all_groups_counts() {
        assert_eq!(machine(&[]), None);
        assert_eq!(machine(&[MEMINFO]), Some(8000 << 10));
        let own = ("proc/self/cgroup", "0::/a/b\n");
        let free = ("sys/fs/cgroup/a/b/memory.max", "max\n");
        assert_eq!(machine(&[MEMINFO, own, free]), Some(8000 << 10));
        let above = ("sys/fs/cgroup/a/memory.max", "5000000\n");
        assert_eq!(machine(&[MEMINFO, own, free, above]), Some(5_000_000));
        // A container sees its own group as the root.
        let root = ("sys/fs/cgroup/memory.max", "4000000\n");
        assert_eq!(
            machine(&[MEMINFO, ("proc/self/cgroup", "0::/../..\n"), root]),
            Some(4_000_000)
        );
    }

    #[test]
    fn memory_in_use_is_that_of_the_process_its_children_and_its_group() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "proc/self/status",
            "VmRSS:\t 90 kB\nRssAnon:\t 10 kB\nRssFile:\t 79 kB\nRssShmem:\t 1 kB\n",
        );
        write("proc/self/task/1/children", "7 8 ");
        write("proc/7/status", "RssAnon: 5 kB\n");
        assert_eq!(own_memory_below(&root.path().join("proc")), 16 << 10);
        assert_eq!(group_memory_below(root.path()), None);
        write("proc/self/cgroup", "0::/a\n");
        write("sys/fs/cgroup/a/memory.max", "1000\n");
        write("sys/fs/cgroup/a/memory.current", "900\n");
        write("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 300\n");
        assert_eq!(group_memory_below(root.path()), Some((600, 1000)));
    }

    #[test]
    fn groups_of_the_first_version_count_as_well() {
        let own = (
            "proc/self/cgroup",
            "9:cpu,cpuacct:/x\n4:memory:/docker/1\n1:name=systemd:/x\n",
        );
        let limit = (
            "sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes",
            "3000000\n",
        );
        let none = (
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        assert_eq!(machine(&[MEMINFO, own, limit, none]), Some(3_000_000));
        assert_eq!(machine(&[MEMINFO, own, none]), Some(8000 << 10));
    }
}

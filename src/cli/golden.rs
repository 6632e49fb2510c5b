//! `docparse golden DIR`: one line per file, `name passed/total` with the first difference.

use super::args::{Cli, GoldenArgs};
use super::{Failure, command, exit};
use crate::proof::exchanges::{Client, Request};
use crate::proof::golden::{self, CaseRun, Context, FileReport};
use crate::proof::replay::Case;
use clap::FromArgMatches;
use serde_json::Value;
use std::cell::OnceCell;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Checks the folder; exit code 1 on any difference.
pub(super) fn run(args: &GoldenArgs) -> Result<u8, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::fatal(
            format!("cannot find the program itself: {error}"),
            "try again",
        )
    })?;
    let runtime = args
        .runtime_dir
        .as_deref()
        .map(std::path::absolute)
        .transpose();
    let runtime =
        runtime.map_err(|e| Failure::usage(e.to_string(), "give another --runtime-dir"))?;
    let run_case = |folder: &Path| run_case(&program, runtime.as_deref(), folder);
    let server = OnceCell::new();
    let exchange = |request: &Request| {
        let started = server.get_or_init(|| GoldenServer::start(&program, runtime.as_deref()));
        let server = started.as_ref().map_err(String::clone)?;
        Client::new(&server.address, None, None).ask(request)
    };
    let context = Context {
        root: &args.dir,
        check_flag: &check_flag,
        exchange: &exchange,
        run_case: &run_case,
    };
    let reports =
        golden::run(&context, &mut |file| super::print(&line(file))).map_err(|reason| {
            Failure::fatal(
                reason,
                "docparse golden DIR checks a folder of recorded outputs",
            )
        })?;
    let (offered, others): (Vec<_>, Vec<_>) = reports.iter().partition(|r| !r.not_offered);
    let sum = |of: fn(&FileReport) -> usize| offered.iter().map(|r| of(r)).sum::<usize>();
    let (passed, total) = (sum(|r| r.passed), sum(|r| r.total));
    super::print(&format!("total {passed}/{total}\n"));
    let count: usize = others.iter().map(|r| r.total).sum();
    super::print(&format!("not offered {count}\n"));
    for report in &others {
        super::print(&format!("  {} {}\n", report.name, report.total));
    }
    Ok(if passed == total {
        exit::DONE
    } else {
        exit::FAILED
    })
}

/// A server of this program with recorded answers in place of networks, for exchanges over HTTP.
struct GoldenServer {
    address: String,
    process: Child,
    _folder: TempDir,
}

impl Drop for GoldenServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl GoldenServer {
    fn start(program: &Path, runtime: Option<&Path>) -> Result<GoldenServer, String> {
        let told = |error: std::io::Error| error.to_string();
        let folder = tempfile::tempdir().map_err(told)?;
        let case = folder.path().join("case.json");
        std::fs::write(&case, golden::http_case().to_string()).map_err(told)?;
        let mut command = own_command(program, runtime);
        command
            .args([
                "serve",
                "--port",
                "0",
                "--compat",
                "--pipeline-version",
                "v1.6",
            ])
            .arg("--replay")
            .arg(&case)
            .arg("--spool")
            .arg(folder.path().join("spool"))
            .stderr(Stdio::piped());
        let mut process = command.spawn().map_err(told)?;
        let mut lines = BufReader::new(process.stderr.take().ok_or("no messages")?);
        let mut server = GoldenServer {
            address: String::new(),
            process,
            _folder: folder,
        };
        let mut line = String::new();
        while !line.contains(": ready") {
            line.clear();
            if lines.read_line(&mut line).map_err(told)? == 0 {
                return Err("the server has ended".into());
            }
            if let Some((_, address)) = line.trim_end().split_once("listening at ") {
                server.address = address.to_string();
            }
        }
        // Nobody reads them any more, and nobody waits for that.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok(server)
    }
}

/// This program without settings from the environment, which must not affect a case.
fn own_command(program: &Path, runtime: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("DOCPARSE_") && name != "DOCPARSE_RUNTIME_DIR" {
            command.env_remove(name);
        }
    }
    if let Some(runtime) = runtime {
        command.env("DOCPARSE_RUNTIME_DIR", runtime);
    }
    command
}

/// Runs a case with this program, in the case's folder as working directory.
fn run_case(program: &Path, runtime: Option<&Path>, folder: &Path) -> Result<CaseRun, String> {
    let case = Case::load(&folder.join("case.json")).map_err(|e| e.to_string())?;
    let out = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (saved, trace) = (out.path().join("saved"), out.path().join("trace"));
    let mut command = own_command(program, runtime);
    command.current_dir(folder).args([
        "-i",
        &case.input,
        "--compat",
        "--replay",
        "case.json",
        "--quiet",
    ]);
    command
        .arg("--save-path")
        .arg(&saved)
        .arg("--trace")
        .arg(&trace);
    let ran = command.output().map_err(|e| e.to_string())?;
    match ran.status.code() {
        Some(0) => Ok(CaseRun {
            saved,
            trace,
            _folder: out,
        }),
        code => Err(format!(
            "exit code {code:?}: {}",
            String::from_utf8_lossy(&ran.stderr).trim()
        )),
    }
}

fn line(report: &FileReport) -> String {
    if report.not_offered {
        return String::new();
    }
    let difference = report
        .first_difference
        .as_ref()
        .map(|d| format!("  {d}"))
        .unwrap_or_default();
    format!(
        "{} {}/{}{difference}\n",
        report.name, report.passed, report.total
    )
}

/// Checks that the command line accepts a flag of the reference in both spellings.
fn check_flag(flag: &Value) -> Result<(), String> {
    let names = flag["flags"].as_array().ok_or("no names")?;
    let name = names.last().and_then(Value::as_str).ok_or("no name")?;
    let command = command::command();
    for spelling in [name.to_string(), name.replace('_', "-")] {
        // An invalid value: for a known flag clap reports the value, not the flag.
        let arguments = vec!["docparse".into(), format!("{spelling}=\u{1}").into()];
        let arguments = command::spell_out(arguments, &command)?;
        let result = command
            .clone()
            .try_get_matches_from(arguments)
            .and_then(|m| Cli::from_arg_matches(&m));
        if let Err(error) = result
            && error.kind() == clap::error::ErrorKind::UnknownArgument
        {
            return Err(format!("`{spelling}` is not known"));
        }
    }
    Ok(())
}

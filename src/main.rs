//! The `docparse` program; all of it is in the library.

fn main() -> std::process::ExitCode {
    docparse::program()
}

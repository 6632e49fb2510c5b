//! The `docparse` program: see the library's [`docparse::cli`].

fn main() -> std::process::ExitCode {
    docparse::cli::main()
}

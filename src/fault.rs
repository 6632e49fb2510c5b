//! Faults: a failure as a [`Reason`] for programs and a sentence for people. Modules have their own error
//! types if callers distinguish cases; when work (a page, a block, a file, a run) ends for good, it becomes a
//! [`Fault`].

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

macro_rules! reasons {
    ($($variant:ident = $name:literal, $what:literal, $todo:literal;)*) => {
        /// Why something failed: a stable word in JSON, in the report and in `--log-format json`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $what] $variant,)*
        }

        impl Reason {
            /// All reasons.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),*];

            /// Its code.
            pub const fn name(self) -> &'static str {
                match self { $(Reason::$variant => $name,)* }
            }

            /// Its meaning, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Reason::$variant => $what,)* }
            }

            /// Advice on what to do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Reason::$variant => $todo,)* }
            }
        }
    };
}

reasons! {
    Cancelled = "cancelled", "The run or the job was ended from outside.", "Run it again; `skip_existing` leaves out what is done.";
    NotTried = "not_tried", "Something else failed before, and one failure ends the run (`fail_fast`).", "Look at what failed first, or leave `fail_fast` out.";
    TimeUp = "time_up", "The time for it was up.", "Raise `page_timeout`, `block_timeout` or `fetch_timeout`.";
    OutOfMemory = "out_of_memory", "It needs more memory than it may take.",
        "Raise `memory_limit` or `gpu_memory`, parse fewer pages at once, or scale the picture down.";
    Overloaded = "overloaded", "As many documents are under way as may be.", "Wait until one of them is done.";
    TooLarge = "too_large", "It is larger than anything that is read or fetched.", "Cut it into parts.";
    Damaged = "damaged", "The file or the page is damaged.", "Repair the file, or make it again.";
    Unsupported = "unsupported", "A kind of file, or of compression, that is not read.", "Convert the file.";
    Encrypted = "encrypted", "The PDF is encrypted and no password opens it.", "Give `password`.";
    NotFound = "not_found", "A file, folder or address is not there.", "Look at the path.";
    Access = "access", "The system refuses: a file cannot be read or written, the disk is full, or no thread can be started.", "The message has the words of the system.";
    Network = "network", "An address cannot be reached, or does not answer as it should.", "Try again later; look at the address.";
    Server = "server", "A recognition server refused a request, or gave an answer that makes no sense.", "Look at the server's log.";
    Model = "model", "A model's files are missing, incomplete, or of another structure than expected.", "Run `docparse models` or `docparse doctor`.";
    Library = "library", "A native library (PDFium, ONNX Runtime) is missing or cannot be loaded.", "Run `scripts/setup.sh`, or name the folder with `runtime_dir`; `docparse doctor` looks for it.";
    Device = "device", "The GPU cannot be used, or failed.", "Try `device` cpu; `docparse doctor` looks at the device.";
    DeviceLost = "device_lost", "The GPU failed in such a way that nothing more can run on it in this process; or, of several devices, none is left.", "Run it again: `skip_existing` leaves out what is done. If it happens again, look at the driver's log, or use `device` cpu.";
    DeviceProcessDied = "device_process_died", "Two processes that run the networks of several devices ended in the middle of it.", "Run it again: `skip_existing` leaves out what is done. If it happens again, something on the page ends them: try it with one device.";
    Settings = "settings", "A setting is wrong, or does not go with another one.", "The message says which.";
    WorkerDied = "worker_died", "A process that reads files ended in the middle of its work.", "The file is hostile or damaged; raise `memory_limit` if it is large.";
    Internal = "internal", "A fault of docparse itself.", "Report it, with the file if you can.";
}

impl Reason {
    /// `true` if it says nothing about the work itself: on a device that works, it could be done.
    pub(crate) fn is_of_device(self) -> bool {
        matches!(self, Reason::DeviceLost | Reason::DeviceProcessDied)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Reason {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reason".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        schemars::json_schema!({"type": "string", "enum": names})
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Reason::ALL.iter().find(|reason| reason.name() == name);
        let unknown = || serde::de::Error::custom(format!("`{name}` is no reason"));
        found.copied().ok_or_else(unknown)
    }
}

impl From<&std::io::Error> for Reason {
    fn from(error: &std::io::Error) -> Reason {
        match error.kind() {
            std::io::ErrorKind::NotFound => Reason::NotFound,
            std::io::ErrorKind::OutOfMemory => Reason::OutOfMemory,
            std::io::ErrorKind::FileTooLarge => Reason::TooLarge,
            _ => Reason::Access,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a piece of work failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// For programs.
    pub reason: Reason,
    /// One line for people.
    pub message: String,
}

impl Fault {
    /// A fault.
    pub fn new(reason: Reason, message: impl Into<String>) -> Fault {
        Fault {
            reason,
            message: message.into(),
        }
    }

    /// The fault of an I/O error; `what` begins the message: "failed to write report.md".
    pub fn io(what: impl fmt::Display, error: &std::io::Error) -> Fault {
        Fault::new(error.into(), format!("{what}: {error}"))
    }

    /// A bug of docparse itself.
    pub fn internal(message: impl Into<String>) -> Fault {
        Fault::new(Reason::Internal, message)
    }

    /// The fault of an error, with its chain of causes in one line.
    pub fn of(reason: Reason, error: &dyn std::error::Error) -> Fault {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Fault { reason, message }
    }

    /// The same fault, with the place where it happened before its message.
    pub fn within(self, place: impl fmt::Display) -> Fault {
        Fault {
            message: format!("{place}: {}", self.message),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let mut names: Vec<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
    }

    #[test]
    fn a_fault_comes_back_from_another_process_as_it_was() {
        for reason in Reason::ALL {
            let fault = Fault::new(*reason, "no");
            let bytes = postcard::to_stdvec(&fault).unwrap();
            assert_eq!(postcard::from_bytes::<Fault>(&bytes).unwrap(), fault);
        }
        assert!(serde_json::from_str::<Reason>("\"nothing\"").is_err());
    }

    #[test]
    fn the_place_stands_before_the_message_and_the_reason_stays() {
        let fault = Fault::io("cannot open", &std::io::ErrorKind::NotFound.into());
        assert_eq!(fault.reason, Reason::NotFound);
        let fault = fault.within("page 3");
        assert_eq!(fault.reason, Reason::NotFound);
        assert!(fault.to_string().starts_with("page 3: cannot open: "));
    }
}

//! Arguments of `docparse models`.

use clap::Subcommand;

/// What to do about models.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List all models, and where they lie on this machine
    List,
    /// Fetch models, or the models of a pipeline, into the store
    Pull {
        /// Names of models, or v1, v1.5, v1.6
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Of a pipeline also the models that it can do without: page orientation and unwarping
        #[arg(long)]
        all: bool,
        /// huggingface, modelscope, or the address of a folder that holds a folder for each repository
        #[arg(long, value_name = "SOURCE", default_value = "huggingface")]
        source: String,
        /// Branch, tag or commit [default: that of the hub]
        #[arg(long, value_name = "REVISION")]
        revision: Option<String>,
        /// Make no network call: fail where something is missing
        #[arg(long)]
        offline: bool,
    },
    /// Read models in the store again and compare them with what was fetched
    Verify {
        /// Names of models or pipelines [default: all in the store]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Print the folder of a model
    Path {
        /// The model
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Remove models from the store; folders of other programs are left alone
    Remove {
        /// Names of models
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}

//! Arguments of `docparse models`.

use clap::Subcommand;

/// Actions on models.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List all models, and their places on this machine
    List,
    /// Fetch models, or all models that a pipeline needs, into the store
    Pull {
        /// Names of models, or of pipelines: v1, v1.5, v1.6
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Also fetch the optional models of a pipeline: page orientation and unwarping
        #[arg(long)]
        all: bool,
        /// Source: huggingface, modelscope, or the URL of a folder with one subfolder per repository
        #[arg(long, value_name = "SOURCE", default_value = "huggingface")]
        source: String,
        /// Branch, tag or commit to fetch [default: that of the hub]
        #[arg(long, value_name = "REVISION")]
        revision: Option<String>,
        /// Forbid all network access: fail if something is missing
        #[arg(long)]
        offline: bool,
    },
    /// Read all files in the store again and compare them with what was fetched
    Verify {
        /// Names of models or pipelines [default: all in the store]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Print the folder of a model
    Path {
        /// Name of the model
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Remove models from the store; folders of other programs are not touched
    Remove {
        /// Names of models
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}

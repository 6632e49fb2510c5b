//! Text that a file holds and a reader of its pages does not see.

use serde::{Deserialize, Serialize};

/// What becomes of text that a reader does not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HiddenMode {
    /// It is text like any other.
    Keep,
    /// It is in no text, and listed beside its page in the JSON.
    #[default]
    Drop,
    /// It is listed as well, and stands in its place as a marked block.
    Mark,
}

/// Why a reader does not see a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HiddenReason {
    /// It stands outside of the page.
    OutsidePage,
    /// It belongs to a layer that is switched off.
    Layer,
    /// It is drawn in a mode that leaves no mark, over nothing that shows the same words.
    Invisible,
    /// Its colour is transparent.
    Transparent,
    /// It has the colour of its ground.
    Ground,
    /// Something that was drawn later lies over it.
    Covered,
    /// It is too small to be seen.
    Tiny,
    /// It leaves no mark for another reason: it is clipped, for example.
    NoInk,
    /// It repeats in an invisible mode what is drawn in the same place.
    Double,
}

impl HiddenReason {
    /// The name that files have.
    pub fn name(self) -> &'static str {
        match self {
            HiddenReason::OutsidePage => "outside_page",
            HiddenReason::Layer => "layer",
            HiddenReason::Invisible => "invisible",
            HiddenReason::Transparent => "transparent",
            HiddenReason::Ground => "ground",
            HiddenReason::Covered => "covered",
            HiddenReason::Tiny => "tiny",
            HiddenReason::NoInk => "no_ink",
            HiddenReason::Double => "double",
        }
    }
}

/// A piece of text that a reader does not see: at most a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HiddenText {
    /// The text.
    pub text: String,
    /// Left, top, right and bottom in page pixels; it may lie outside of the page.
    pub bbox: [i32; 4],
    /// Why it is not seen.
    pub reason: HiddenReason,
}

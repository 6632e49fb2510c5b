//! A network as code: values, operators and weights, turned into a session without a model file.
//!
//! A [`Graph`] is built from its inputs to its outputs; each call adds an operator and returns the [`Value`]
//! it computes. Nothing is checked until [`Graph::build`] passes the graph to ONNX Runtime's model editor,
//! which infers all shapes: a mismatch is then an error that names the operator by its place in the network.
//!
//! Weights are passed without a copy: those whose layout the kernels accept stay in the mapped file
//! ([`Weights::Mapped`]), the others are owned by the session's [`Network`].

mod initializers;

use super::network::Network;
use super::operators::{self, Kernel, LineReading, SiluChain};
pub use super::weights::Element;
pub(crate) use super::weights::Weights;
use super::{OnnxError, Runtime};
use crate::kernels::line_recognizer::LineRecognizer;
use crate::kernels::winograd::{ConvFilter, ConvScratch};
use initializers::add_weight;
use ort::Error;
use ort::editor::{Graph as EditorGraph, Model as EditorModel, Node, ONNX_DOMAIN, Opset};
use ort::operator::Attribute;
use ort::session::Session;
use ort::value::{Outlet, Shape, SymbolicDimensions, ValueType};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// ONNX operator set of the graphs, unless they choose another one.
const OPSET: u32 = 21;
/// Domain of ONNX Runtime's own operators.
const CONTRIB: &str = "com.microsoft";

/// A dimension of an input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// Fixed size.
    Fixed(usize),
    /// Known at run time; equal for all dimensions of this name.
    Named(&'static str),
}

/// An attribute of an operator.
#[derive(Debug, Clone)]
pub enum Attr {
    /// An integer.
    Int(i64),
    /// A float.
    Float(f32),
    /// Integers.
    Ints(Vec<i64>),
    /// A string.
    Text(&'static str),
}

/// The output of an operator, an input, or a weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(Rc<str>);

impl Value {
    /// Omits an optional input.
    pub fn absent() -> Self {
        Value("".into())
    }
}

/// A model file with nothing but operator sets: the editor adds graphs with custom operators to it. (Sessions
/// made of a graph alone lack them: ONNX Runtime 1.31 registers them for loaded models only.)
const EMPTY_MODEL: &[u8] = b"\x08\x0a:\x03\x12\x01gB\x04\x0a\x00\x10\x15B\x11\x0a\x0dcom.microsoft\x10\x01B\x0c\x0a\x08docparse\x10\x01";

struct Operator {
    kind: Cow<'static, str>,
    domain: &'static str,
    name: String,
    inputs: Vec<Rc<str>>,
    outputs: Vec<Rc<str>>,
    attributes: Vec<(&'static str, Attr)>,
}

struct Port {
    name: String,
    element: Element,
    dims: Vec<Dim>,
}

impl Port {
    fn outlet(&self) -> Outlet {
        let shape = self.dims.iter().map(|dim| match dim {
            Dim::Fixed(n) => *n as i64,
            Dim::Named(_) => -1,
        });
        let symbols = self.dims.iter().map(|dim| match dim {
            Dim::Fixed(_) => String::new(),
            Dim::Named(name) => (*name).to_string(),
        });
        let kind = ValueType::Tensor {
            ty: self.element.of_ort(),
            shape: Shape::new(shape),
            dimension_symbols: SymbolicDimensions::new(symbols),
        };
        Outlet::new(self.name.as_str(), kind)
    }
}

/// A network under construction.
pub struct Graph {
    name: String,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    operators: Vec<Operator>,
    weights: BTreeMap<String, (Vec<usize>, Weights)>,
    names: BTreeMap<String, usize>,
    taps: BTreeSet<String>,
    kernels: Vec<(String, Arc<dyn Kernel>)>,
    opset: u32,
}

impl Graph {
    /// An empty graph; errors about it contain `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Graph {
            name: name.into(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            operators: Vec::new(),
            weights: BTreeMap::new(),
            names: BTreeMap::new(),
            taps: BTreeSet::new(),
            kernels: Vec::new(),
            opset: OPSET,
        }
    }

    /// The same with another ONNX operator set; not with custom operators.
    pub fn with_opset(self, opset: u32) -> Self {
        Graph { opset, ..self }
    }

    /// Requests intermediate values: each [`Graph::tap`] of such a name becomes an output.
    pub fn with_taps(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.taps = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds an input.
    pub fn input(&mut self, name: &str, element: Element, dims: &[Dim]) -> Value {
        self.inputs.push(Port {
            name: name.into(),
            element,
            dims: dims.to_vec(),
        });
        Value(name.into())
    }

    /// Makes a value an output. The name must not be an operator's.
    pub fn output(&mut self, name: &str, value: &Value, element: Element, dims: &[Dim]) {
        self.operators.push(Operator {
            kind: "Identity".into(),
            domain: ONNX_DOMAIN,
            name: format!("output/{name}"),
            inputs: vec![value.0.clone()],
            outputs: vec![name.into()],
            attributes: Vec::new(),
        });
        self.outputs.push(Port {
            name: name.into(),
            element,
            dims: dims.to_vec(),
        });
    }

    /// Makes an operator's result an output under its own name, which is returned: the result of an in-place
    /// operator must not be copied.
    pub fn output_in_place(&mut self, value: &Value, element: Element, dims: &[Dim]) -> String {
        let name = value.0.to_string();
        self.outputs.push(Port {
            name: name.clone(),
            element,
            dims: dims.to_vec(),
        });
        name
    }

    /// `true` if the intermediate value was requested.
    pub fn is_tapped(&self, name: &str) -> bool {
        self.taps.contains(name)
    }

    /// Makes an intermediate `f32` value an output if it was requested.
    pub fn tap(&mut self, name: &str, value: &Value, dims: &[Dim]) {
        if self.is_tapped(name) {
            self.output(name, value, Element::F32, dims);
        }
    }

    /// Adds a weight. A name used before refers to the weight already added.
    pub fn weight(&mut self, name: &str, shape: &[usize], weights: Weights) -> Value {
        self.weights
            .entry(name.to_string())
            .or_insert((shape.to_vec(), weights));
        Value(name.into())
    }

    /// An `f32` constant.
    pub fn floats(&mut self, at: &str, shape: &[usize], data: Vec<f32>) -> Value {
        let name = self.unique(&format!("{at}/constant"));
        self.weight(&name, shape, Weights::F32(data))
    }

    /// An `i64` constant with one dimension.
    pub fn ints(&mut self, at: &str, data: &[i64]) -> Value {
        let name = self.unique(&format!("{at}/constant"));
        self.weight(&name, &[data.len()], Weights::I64(data.to_vec()))
    }

    /// Adds an ONNX operator with one output. `at` is its place in the network, for names.
    pub fn op(
        &mut self,
        kind: &'static str,
        at: &str,
        inputs: &[&Value],
        attributes: &[(&'static str, Attr)],
    ) -> Value {
        self.add(kind.into(), ONNX_DOMAIN, at, inputs, attributes, 1)
            .remove(0)
    }

    /// `x` converted to another element type.
    pub fn cast(&mut self, at: &str, x: &Value, to: Element) -> Value {
        self.op("Cast", at, &[x], &[("to", Attr::Int(to.number()))])
    }

    /// Adds an ONNX operator with several outputs.
    pub fn op_many(
        &mut self,
        kind: &'static str,
        at: &str,
        inputs: &[&Value],
        attributes: &[(&'static str, Attr)],
        outputs: usize,
    ) -> Vec<Value> {
        self.add(kind.into(), ONNX_DOMAIN, at, inputs, attributes, outputs)
    }

    /// Adds an operator of ONNX Runtime's contrib domain, with one output.
    pub fn contrib(
        &mut self,
        kind: &'static str,
        at: &str,
        inputs: &[&Value],
        attributes: &[(&'static str, Attr)],
    ) -> Value {
        self.add(kind.into(), CONTRIB, at, inputs, attributes, 1)
            .remove(0)
    }

    /// Adds an operator of ONNX Runtime's contrib domain, with several outputs.
    pub fn contrib_many(
        &mut self,
        kind: &'static str,
        at: &str,
        inputs: &[&Value],
        attributes: &[(&'static str, Attr)],
        outputs: usize,
    ) -> Vec<Value> {
        self.add(kind.into(), CONTRIB, at, inputs, attributes, outputs)
    }

    /// Adds an operator of ONNX Runtime's contrib domain with `outputs` outputs, of which the first and the last are
    /// wanted: those between are omitted.
    pub(super) fn contrib_outer(
        &mut self,
        kind: &'static str,
        at: &str,
        inputs: &[&Value],
        attributes: &[(&'static str, Attr)],
        outputs: usize,
    ) -> [Value; 2] {
        let mut made = self.add(kind.into(), CONTRIB, at, inputs, attributes, outputs);
        let last = made.pop().expect("an operator has outputs");
        let operator = self.operators.last_mut().expect("just added");
        operator.outputs[1..outputs - 1].fill("".into());
        [made.remove(0), last]
    }

    /// Adds 3x3 convolutions, each followed by SiLU, with our own kernel; CPU only. Chains of a network share
    /// scratch memory.
    pub fn silu_chain(
        &mut self,
        at: &str,
        x: &Value,
        filters: Vec<ConvFilter>,
        scratch: Arc<Mutex<ConvScratch>>,
    ) -> Value {
        self.own("SiluChain", at, &[x], SiluChain { filters, scratch })
    }

    /// Adds a line recognizer with weights of eight bits: lines `[lines, 3, 48, width]` to the likeliest class
    /// of each step and its probability, `[lines, steps, 2]`; CPU only.
    pub(crate) fn line_recognizer(
        &mut self,
        at: &str,
        x: &Value,
        recognizer: LineRecognizer,
    ) -> Value {
        self.own("LineReading", at, &[x], LineReading { recognizer })
    }

    /// Adds a custom operator with our own kernel; CPU only.
    pub(super) fn own(
        &mut self,
        kind: &str,
        at: &str,
        inputs: &[&Value],
        kernel: impl Kernel + 'static,
    ) -> Value {
        // A type of its own, because kernels belong to types.
        let kind = format!("{kind}{}", self.kernels.len());
        self.kernels.push((kind.clone(), Arc::new(kernel)));
        self.add(kind.into(), operators::DOMAIN, at, inputs, &[], 1)
            .remove(0)
    }

    fn add(
        &mut self,
        kind: Cow<'static, str>,
        domain: &'static str,
        at: &str,
        inputs: &[&Value],
        attributes: &[(&'static str, Attr)],
        outputs: usize,
    ) -> Vec<Value> {
        let name = self.unique(&format!("{at}/{kind}"));
        let outputs: Vec<Rc<str>> = (0..outputs)
            .map(|i| {
                if i == 0 {
                    name.as_str().into()
                } else {
                    format!("{name}:{i}").into()
                }
            })
            .collect();
        self.operators.push(Operator {
            kind,
            domain,
            name,
            inputs: inputs.iter().map(|v| v.0.clone()).collect(),
            outputs: outputs.clone(),
            attributes: attributes.to_vec(),
        });
        outputs.into_iter().map(Value).collect()
    }

    /// `name`, with a number appended if it was used before.
    fn unique(&mut self, name: &str) -> String {
        let count = self.names.entry(name.to_string()).or_insert(0);
        *count += 1;
        if *count == 1 {
            name.to_string()
        } else {
            format!("{name}#{count}")
        }
    }

    /// Creates a session from the graph.
    ///
    /// Fails if operators do not fit together, or the device cannot be used.
    // The crate asks for an `Arc`; the session, which one thread runs at a time, is its only user.
    #[allow(clippy::arc_with_non_send_sync)]
    pub fn build(mut self, runtime: &Runtime) -> Result<Network, OnnxError> {
        let outputs = self.outputs.iter().map(|port| port.name.clone()).collect();
        let model = || format!("the network `{}`", self.name);
        let kernels = std::mem::take(&mut self.kernels);
        let domain = match kernels.is_empty() {
            true => None,
            false => {
                let domain = operators::domain(kernels);
                let fail = |e: Error| OnnxError::of_load(model(), &e.to_string());
                Some(Arc::new(domain.map_err(fail)?))
            }
        };
        let session = runtime
            .session(self.weight_bytes(), |builder| {
                let Some(domain) = &domain else {
                    return self.model()?.into_session(builder);
                };
                let builder = builder.clone().with_operators(domain.clone());
                let mut builder = builder.map_err(|e| Error::new(e.to_string()))?;
                let mut session = builder.edit_from_memory(EMPTY_MODEL)?;
                session.apply_model(&self.model()?)?;
                session.into_session()
            })
            .map_err(|fault| fault.named(model()))?;
        let backing = self
            .weights
            .into_values()
            .map(|(_, weights)| weights)
            .collect();
        Ok(Network::new(self.name, session, outputs, backing))
    }

    /// Size of all weights.
    pub(crate) fn weight_bytes(&self) -> usize {
        let weights = self.weights.values();
        weights.map(|(_, weights)| weights.bytes().len()).sum()
    }

    fn model(&self) -> Result<EditorModel, Error> {
        let mut graph = EditorGraph::new()?;
        graph.set_inputs(self.inputs.iter().map(Port::outlet))?;
        graph.set_outputs(self.outputs.iter().map(Port::outlet))?;
        for (name, (shape, weights)) in &self.weights {
            let named = |e: Error| Error::new(format!("weight `{name}` of shape {shape:?}: {e}"));
            add_weight(&mut graph, name, shape, weights).map_err(named)?;
        }
        for operator in &self.operators {
            let attributes = operator.attributes.iter().map(|(name, value)| match value {
                Attr::Int(value) => Attribute::new(name, *value),
                Attr::Float(value) => Attribute::new(name, *value),
                Attr::Ints(values) => Attribute::new(name, values.clone()),
                Attr::Text(value) => Attribute::new(name, (*value).to_string()),
            });
            let attributes = attributes.collect::<Result<Vec<_>, _>>()?;
            let Operator {
                kind,
                domain,
                name,
                inputs,
                outputs,
                ..
            } = operator;
            let node = Node::new(kind, domain, name, inputs, outputs, attributes)
                .map_err(|e| Error::new(format!("operator `{name}`: {e}")))?;
            graph.add_node(node)?;
        }
        let mut model = EditorModel::new([
            Opset::new(ONNX_DOMAIN, self.opset)?,
            Opset::new(CONTRIB, 1)?,
            Opset::new(operators::DOMAIN, 1)?,
        ])?;
        model.set_graph(graph)?;
        Ok(model)
    }
}

/// A session, or the reason why there is none.
pub(super) type Built = Result<Session, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_at_one_place_get_different_names() {
        let mut graph = Graph::new("test");
        let x = graph.input("x", Element::F32, &[Dim::Named("n")]);
        let a = graph.op("Relu", "stem", &[&x], &[]);
        let b = graph.op("Relu", "stem", &[&a], &[]);
        assert_eq!((&*a.0, &*b.0), ("stem/Relu", "stem/Relu#2"));
        let parts = graph.op_many("Split", "stem", &[&b], &[], 2);
        assert_eq!((&*parts[0].0, &*parts[1].0), ("stem/Split", "stem/Split:1"));
    }

    #[test]
    fn only_taps_that_were_asked_for_are_outputs() {
        let mut graph = Graph::new("test").with_taps(["inner"]);
        let x = graph.input("x", Element::F32, &[]);
        graph.tap("inner", &x, &[]);
        graph.tap("other", &x, &[]);
        assert_eq!(
            graph
                .outputs
                .iter()
                .map(|o| o.name.as_str())
                .collect::<Vec<_>>(),
            ["inner"]
        );
    }
}

//! Go's structures: fields in their order, and methods.

use std::rc::Rc;

use super::{Str, Value};

/// What a method answers: a value, or the text of its error.
pub type Method = fn(&Object, &[Value]) -> Result<Value, String>;

/// The methods of a type: name, number of arguments (`usize::MAX`: any), and what it does.
pub type Methods = &'static [(&'static str, usize, Method)];

/// A structure, or a pointer to one. Copies are cheap.
#[derive(Clone, Debug)]
pub struct Object(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    type_name: &'static str,
    fields: Vec<(&'static str, Value)>,
    methods: Methods,
    text: Option<Str>,
}

impl Object {
    /// A structure of Go's type `type_name` (with `*` if it is a pointer), with its exported fields in Go's order.
    pub fn new(
        type_name: &'static str,
        fields: Vec<(&'static str, Value)>,
        methods: Methods,
    ) -> Self {
        Self(Rc::new(Inner { type_name, fields, methods, text: None }))
    }

    /// The same with what its method `String` answers: that is how it is printed.
    pub fn with_text(
        type_name: &'static str,
        fields: Vec<(&'static str, Value)>,
        methods: Methods,
        text: impl Into<Str>,
    ) -> Self {
        Self(Rc::new(Inner { type_name, fields, methods, text: Some(text.into()) }))
    }

    /// Go's name of the type.
    pub fn type_name(&self) -> &'static str {
        self.0.type_name
    }

    /// `ptr` or `struct`.
    pub fn kind_name(&self) -> &'static str {
        if self.is_pointer() { "ptr" } else { "struct" }
    }

    /// Whether it is a pointer to the structure.
    pub fn is_pointer(&self) -> bool {
        self.0.type_name.starts_with('*')
    }

    /// Its fields, in Go's order.
    pub fn fields(&self) -> &[(&'static str, Value)] {
        &self.0.fields
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.0.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// A method, with the number of its arguments.
    pub fn method(&self, name: &str) -> Option<(usize, Method)> {
        self.0.methods.iter().find(|(method, ..)| *method == name).map(|found| (found.1, found.2))
    }

    /// How it prints itself, if it has a method `String`.
    pub fn text(&self) -> Option<&Str> {
        self.0.text.as_ref()
    }

    /// Whether both are one and the same.
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

//! Go's structures: fields in their order, and methods.

use std::rc::Rc;

use super::{Str, Ty, Value};

/// A method of a type.
#[derive(Debug)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub params: &'static [Ty],
    /// What it answers, given its receiver and arguments that fit: a value, or the text of its error.
    pub run: fn(&Value, &[Value]) -> Result<Value, String>,
}

/// A structure, or a pointer to one. Copies are cheap.
#[derive(Clone, Debug)]
pub struct Object(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    type_name: &'static str,
    fields: Vec<(&'static str, Value)>,
    methods: &'static [Method],
    text: Option<Str>,
    addressed: bool,
}

impl Object {
    /// A structure of Go's type `type_name` (with `*` if it is a pointer), with its exported fields in Go's order.
    pub fn new(
        type_name: &'static str,
        fields: Vec<(&'static str, Value)>,
        methods: &'static [Method],
    ) -> Self {
        Self(Rc::new(Inner { type_name, fields, methods, text: None, addressed: false }))
    }

    /// The same with what its method `String` answers: that is how it is printed.
    pub fn with_text(
        type_name: &'static str,
        fields: Vec<(&'static str, Value)>,
        methods: &'static [Method],
        text: impl Into<Str>,
    ) -> Self {
        Self(Rc::new(Inner {
            type_name,
            fields,
            methods,
            text: Some(text.into()),
            addressed: false,
        }))
    }

    /// The same, but the method `String` is one of its pointer: an action prints the text, functions the fields.
    pub fn with_addressed_text(
        type_name: &'static str,
        fields: Vec<(&'static str, Value)>,
        methods: &'static [Method],
        text: impl Into<Str>,
    ) -> Self {
        Self(Rc::new(Inner {
            type_name,
            fields,
            methods,
            text: Some(text.into()),
            addressed: true,
        }))
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

    /// A method.
    pub fn method(&self, name: &str) -> Option<&'static Method> {
        self.0.methods.iter().find(|method| method.name == name)
    }

    /// How it prints itself, if it has a method `String`.
    pub fn text(&self) -> Option<&Str> {
        self.0.text.as_ref().filter(|_| !self.0.addressed)
    }

    /// How an action prints it, if it or its pointer has a method `String`.
    pub fn action_text(&self) -> Option<&Str> {
        self.0.text.as_ref()
    }

    /// Whether both are one and the same.
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

//! Facts about a module that passes share: computed when one asks, and dropped when
//! one has changed the module.

use std::rc::Rc;

use skxc_ir::module::Module;
use skxc_ir::validate::Rules;

/// The facts about one module. Whoever changes the module says so by
/// [`PassContext::changed`]; the pipeline does, of a pass that returns `true`.
#[derive(Debug)]
pub struct PassContext<D: Rules> {
    ranges: Option<Rc<D::Ranges>>,
}

impl<D: Rules> PassContext<D> {
    /// Nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self { ranges: None }
    }

    /// The ranges of the values of `module`, which is valid.
    pub fn ranges(&mut self, module: &Module<D>) -> Rc<D::Ranges> {
        Rc::clone(self.ranges.get_or_insert_with(|| Rc::new(D::ranges(module))))
    }

    /// The module is not the one whose facts these are any more.
    pub fn changed(&mut self) {
        self.ranges = None;
    }
}

impl<D: Rules> Default for PassContext<D> {
    fn default() -> Self {
        Self::new()
    }
}

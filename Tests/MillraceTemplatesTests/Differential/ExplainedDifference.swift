import MillraceTemplates

/// Where ours differs from Jinja2 on purpose.
enum ExplainedDifference: String {
    /// Python's integers have no end, ours have 64 bits.
    case integersHave64Bits
    /// Ours refuses what Jinja2 prints as `<generator object …>`, `<Macro …>`, `<function …>` or the like.
    case objectsAreNotPrinted
    /// Ours evaluates filters at once, Jinja2 those that give iterators when they are walked, which may be never.
    case iteratorsAreNotLazy
    /// Names with `__` and methods that change lists and dictionaries are refused.
    case methodsAreLeftOut
    /// One of ours limits.
    case limits

    static func of(_ ours: Result<String, TemplateError>, _ item: JinjaReference.Case) -> ExplainedDifference? {
        guard case .failure(let error) = ours else { return nil }
        if error.kind == .limit { return .limits }
        let message = error.message
        if message.contains("does not fit into 64 bits") { return .integersHave64Bits }
        if message.contains("cannot be printed") { return .objectsAreNotPrinted }
        if message.contains("is not supported") { return .methodsAreLeftOut }
        return nil
    }
}

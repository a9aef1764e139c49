import MillraceTemplates

/// Where ours differs from Jinja2 on purpose.
enum ExplainedDifference: String {
    /// Python's integers have no end, ours have 64 bits.
    case integersHave64Bits
    /// Ours refuses what Jinja2 prints as `<generator object …>`, `<Macro …>`, `<function …>` or the like.
    case objectsAreNotPrinted
    /// Python has complex numbers.
    case complexNumbers
    /// Ours evaluates filters at once, Jinja2 those that give iterators when they are walked, which may be never.
    case iteratorsAreNotLazy
    /// Names with `__` and methods that change lists and dictionaries are refused.
    case methodsAreLeftOut
    /// Jinja2 takes a slice that cannot be for undefined where all is constant, and fails elsewhere; ours always fails.
    case constantSlices
    /// Where a number of places or elements is needed ours takes integers only; Python's filters take what happens to work.
    case integersAreNeeded
    /// One of our limits.
    case limits

    static func of(_ ours: Result<String, TemplateError>, _ item: JinjaReference.Case) -> ExplainedDifference? {
        guard case .failure(let error) = ours else { return nil }
        if error.kind == .limit { return .limits }
        let message = error.message
        if let output = item.output,
            ["generator object", "<list_reverseiterator", "<function", "<built-in", "<bound method", "<Macro", "<Namespace"].contains(
                where: output.contains)
        {
            return .objectsAreNotPrinted
        }
        if message.contains(" is an integer, not ") { return .integersAreNeeded }
        if message.contains("cannot be sliced") { return .constantSlices }
        if message.contains("does not fit into 64 bits") || message.contains("needs a number that fits, not a float") {
            return .integersHave64Bits
        }
        if message.contains("cannot be printed") { return .objectsAreNotPrinted }
        if message.contains("is not supported") { return .methodsAreLeftOut }
        if message.contains("a negative number has no such power") { return .complexNumbers }
        if message.contains("only a dictionary has items") { return .iteratorsAreNotLazy }
        return nil
    }
}

/// The bounds of parsing and rendering. What reaches one ends in a ``TemplateError`` of kind ``TemplateError/Kind/limit``.
///
/// The depths are chosen so that rendering fits into a thread's stack of 512 KB in a debug build; do not raise them on such threads.
public struct TemplateLimits: Sendable, Equatable {
    /// The most bytes of one template's source.
    public var sourceBytes = 1 << 20
    /// The most nested brackets, operators, filters and statements of one template.
    public var nesting = 40
    /// The most bytes of the output, and of any string on the way to it.
    public var outputBytes = 4 << 20
    /// The most steps of one rendering: each node, iteration, element and comparison is one, and each 16 bytes of text
    /// that is made or read through.
    public var steps = 2_000_000
    /// The deepest recursion while rendering: an expression within another counts 2, a filter 2, a body of statements 3, the call of a
    /// macro or block 5, a template 8, all that is open at a time together. A macro that calls itself takes 10 a call, with an `if` and a
    /// `for` around it 16.
    public var depth = 300
    /// The most elements of a `range()`, and of a list that is repeated.
    public var rangeElements = 100_000
    /// The deepest nesting of lists and dictionaries in values.
    public var valueDepth = 48

    /// The documented defaults.
    public init() {}
}

/// What `loop` is in a loop: its elements, one ahead of the body if somebody asked, and what the body remembers in it.
final class LoopState {
    let loop: Statement.Loop
    let depth: Int
    /// Where a recursive loop goes on.
    let template: Template
    let context: Context
    let scope: Scope?

    private let source: [Value]
    private var place = 0
    /// Those that are found and not yet taken.
    private var ahead: [Value] = []
    private var firstAhead = 0
    private var knownLength: Int?

    private(set) var index0 = -1
    private(set) var previous: Value?
    private(set) var current: Value?
    var changed: Value?

    init(_ loop: Statement.Loop, over source: [Value], depth: Int, template: Template, context: Context, scope: Scope?) {
        self.loop = loop
        self.source = source
        self.depth = depth
        self.template = template
        self.context = context
        self.scope = scope
    }

    /// The next element that passes the test, without taking it.
    func peek(_ passes: (Value) throws(TemplateError) -> Bool) throws(TemplateError) -> Value? {
        if firstAhead < ahead.count { return ahead[firstAhead] }
        return try find(passes) ? ahead[firstAhead] : nil
    }

    /// How many elements pass the test.
    func length(_ passes: (Value) throws(TemplateError) -> Bool) throws(TemplateError) -> Int {
        if let knownLength { return knownLength }
        while try find(passes) {}
        let length = index0 + 1 + ahead.count - firstAhead
        knownLength = length
        return length
    }

    /// Takes the next element.
    func advance(_ passes: (Value) throws(TemplateError) -> Bool) throws(TemplateError) -> Value? {
        guard let next = try peek(passes) else { return nil }
        firstAhead += 1
        previous = current
        current = next
        index0 += 1
        return next
    }

    private func find(_ passes: (Value) throws(TemplateError) -> Bool) throws(TemplateError) -> Bool {
        while place < source.count {
            let candidate = source[place]
            place += 1
            if try passes(candidate) {
                ahead.append(candidate)
                return true
            }
        }
        return false
    }
}

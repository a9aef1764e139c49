import MillraceCore

/// Renders one template once: a walk over the tree that knows no input and output but its text.
///
/// Everything that repeats or grows is charged against the limits. Recursion is counted, so that the stack cannot overflow.
final class Interpreter {
    let limits: TemplateLimits
    let options: TemplateOptions
    /// Gives the other templates that are named.
    let load: (String) throws(TemplateLookupFailure) -> Template?

    private var steps = 0
    private var depth = 0
    /// Where the interpreter is, for errors.
    var here = Position(line: 1, column: 1)
    /// The template that `here` is in.
    var template: Template

    /// What has been printed into the innermost capture.
    private var output = ""
    /// Whether text is dropped: behind `extends`, outside of blocks.
    var isSuppressed = false

    var context: Context
    /// The innermost scope; `nil` at the top of a template.
    var scope: Scope?

    // What changes, by the numbers that values have.
    var namespaces: [[String: Value]] = []
    var cyclers: [(items: [Value], next: Int)] = []
    var joiners: [(separator: Value, isUsed: Bool)] = []
    var iterators: [(items: [Value], next: Int)] = []
    var macros: [MacroInstance] = []
    var modules: [[String: Value]] = []
    var loops: [Int: LoopState] = [:]
    var nextLoop = 0
    /// Modules that were imported without context, by name: they are made once.
    var sharedModules: [String: Int] = [:]
    /// What has been included without context.
    var sharedOutput: [String: String] = [:]

    init(
        _ template: Template, variables: [String: JSONValue], limits: TemplateLimits, options: TemplateOptions,
        load: @escaping (String) throws(TemplateLookupFailure) -> Template?
    ) throws(TemplateError) {
        self.template = template
        self.limits = limits
        self.options = options
        self.load = load
        context = Context(template, escapes: options.escapes(template.name))
        for (name, value) in variables { context.outer[name] = try self.value(of: value, depth: 1) }
    }

    /// The rendered text.
    func render() throws(TemplateError) -> String {
        try renderRoot(template)
        return output
    }

    // MARK: Limits

    func charge(_ count: Int = 1) throws(TemplateError) {
        let (sum, overflow) = steps.addingReportingOverflow(count)
        steps = sum
        if overflow || steps > limits.steps { throw fail("rendering takes more than \(limits.steps) steps", .limit) }
    }

    /// Charges for text that is made.
    func chargeText(_ bytes: Int) throws(TemplateError) {
        if bytes > limits.outputBytes { throw fail("a text would have more than \(limits.outputBytes) bytes", .limit) }
        try charge(1 + bytes / 16)
    }

    /// How much of the depth's limit is taken: about what the frames of the stack take.
    enum Weight {
        static let expression = 2
        static let filter = 2
        static let body = 3
        static let call = 5
        static let template = 8
    }

    func enter(_ weight: Int) throws(TemplateError) {
        depth += weight
        if depth > limits.depth {
            throw fail("macros, includes and expressions are nested more than \(limits.depth) deep", .limit)
        }
    }

    func leave(_ weight: Int) { depth -= weight }

    // MARK: Errors

    func fail(_ message: String, _ kind: TemplateError.Kind = .value) -> TemplateError {
        TemplateError(kind, message, template: template.name, line: Int(here.line), column: Int(here.column))
    }

    func fail(_ missing: Value.Missing) -> TemplateError { fail(missing.message, .undefined) }

    /// What an undefined value is where nothing but its absence counts; an error where undefined values are strict.
    func useUndefined(_ missing: Value.Missing) throws(TemplateError) {
        if options.undefined == .strict, !missing.isLenient { throw fail(missing) }
    }

    // MARK: Output

    func print(_ text: String) throws(TemplateError) {
        if isSuppressed { return }
        let bytes = text.utf8.count
        if output.utf8.count > limits.outputBytes - bytes { throw fail("the output has more than \(limits.outputBytes) bytes", .limit) }
        try charge(1 + bytes / 16)
        output += text
    }

    /// What `body` prints.
    func captured(_ body: () throws(TemplateError) -> Void) throws(TemplateError) -> String {
        let (outer, wasSuppressed) = (output, isSuppressed)
        output = ""
        isSuppressed = false
        try body()
        let text = output
        output = outer
        isSuppressed = wasSuppressed
        return text
    }

    // MARK: Values

    private func value(of json: JSONValue, depth: Int) throws(TemplateError) -> Value {
        switch json {
        case .null: return .none
        case .bool(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .double(let value): return .float(value)
        case .string(let value): return .string(value)
        case .array(let elements):
            try check(depth)
            var values: [Value] = []
            values.reserveCapacity(elements.count)
            for element in elements { values.append(try value(of: element, depth: depth + 1)) }
            return .sequence(Value.Sequence(.list, values, depth: Value.deepest(values) + 1))
        case .object(let members):
            try check(depth)
            let sorted = members.sorted { PythonText.precedes($0.key, $1.key) }
            var values: [Value] = []
            var index: [HashKey: Int] = [:]
            for (place, member) in sorted.enumerated() {
                values.append(try value(of: member.value, depth: depth + 1))
                index[.text(.init(member.key))] = place
            }
            return .dictionary(
                Value.Dictionary(keys: sorted.map { .string($0.key) }, values: values, index: index, depth: Value.deepest(values) + 1))
        }
    }

    private func check(_ depth: Int) throws(TemplateError) {
        if depth > limits.valueDepth { throw fail("a value is nested more than \(limits.valueDepth) deep", .limit) }
    }

    func sequence(_ kind: Value.Sequence.Kind, _ items: [Value]) throws(TemplateError) -> Value {
        try charge(1 + items.count)
        let depth = Value.deepest(items) + 1
        try check(depth)
        return .sequence(Value.Sequence(kind, items, depth: depth))
    }

    func list(_ items: [Value]) throws(TemplateError) -> Value { try sequence(.list, items) }
    func tuple(_ items: [Value]) throws(TemplateError) -> Value { try sequence(.tuple, items) }

    func iterator(_ items: [Value]) throws(TemplateError) -> Value {
        try charge(1 + items.count)
        iterators.append((items, 0))
        return .iterator(iterators.count - 1)
    }

    /// A dictionary; of repeated keys the first gives the place and the key, the last the value.
    func dictionary(_ members: [(key: Value, value: Value)]) throws(TemplateError) -> Value {
        try charge(1 + members.count)
        var keys: [Value] = []
        var values: [Value] = []
        var index: [HashKey: Int] = [:]
        for member in members {
            let key = try hashKey(member.key)
            if let place = index[key] {
                values[place] = member.value
            } else {
                index[key] = keys.count
                keys.append(member.key)
                values.append(member.value)
            }
        }
        let depth = max(Value.deepest(keys), Value.deepest(values)) + 1
        try check(depth)
        return .dictionary(Value.Dictionary(keys: keys, values: values, index: index, depth: depth))
    }

    /// The key by which a dictionary finds a value.
    func hashKey(_ value: Value) throws(TemplateError) -> HashKey {
        guard let key = try hashKeyIfHashable(value) else { throw fail("\(value.kindName) cannot be the key of a dictionary") }
        return key
    }

    func hashKeyIfHashable(_ value: Value) throws(TemplateError) -> HashKey? {
        try charge(1 + (value.string?.utf8.count ?? 0) / 64)
        switch value {
        case .none: return HashKey.none
        case .boolean(let value): return .integer(value ? 1 : 0)
        case .integer(let value): return .integer(value)
        case .float(let value): return .number(value)
        case .string(let text), .markup(let text): return .text(.init(text))
        case .sequence(let sequence) where sequence.isTuple:
            var keys: [HashKey] = []
            for item in sequence.items {
                guard let key = try hashKeyIfHashable(item) else { return nil }
                keys.append(key)
            }
            return .tuple(keys)
        case .undefined(let missing):
            try useUndefined(missing)
            return .undefined
        default: return nil
        }
    }

    /// Text that is escaped already where `isMarkup` says so.
    func text(_ text: String, isMarkup: Bool) throws(TemplateError) -> Value {
        try chargeText(text.utf8.count)
        return isMarkup ? .markup(text) : .string(text)
    }
}

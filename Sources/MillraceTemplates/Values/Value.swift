import MillraceCore

/// A value while a template is rendered, with the semantics of Python's.
///
/// Values do not change. What changes (namespaces, cyclers, loops, what has been taken from an iterator) is in the interpreter, and the
/// value has its number there: so nothing here can hold itself.
enum Value {
    case undefined(Missing)
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case string(String)
    /// Text that is not escaped any more.
    case markup(String)
    case sequence(Sequence)
    case dictionary(Dictionary)
    /// A sequence that can be walked once: what `map`, `select` and the like give.
    case iterator(Int)
    case object(Object)

    /// What does not exist, and the message for whoever uses it.
    final class Missing {
        let message: String
        /// Whether it prints as nothing also where undefined values are strict, as what an inline `if` without `else` gives does in Jinja2.
        let isLenient: Bool
        init(_ message: String, isLenient: Bool = false) {
            self.message = message
            self.isLenient = isLenient
        }
    }

    /// A list, or one of the things that are like lists.
    final class Sequence {
        enum Kind: Equatable {
            case list
            case tuple
            /// A tuple whose two elements are also `grouper` and `list`.
            case group
            case range(start: Int, stop: Int, step: Int)
            case keys
            case values
            case items
        }

        let kind: Kind
        let items: [Value]
        let depth: Int

        init(_ kind: Kind, _ items: [Value], depth: Int) {
            self.kind = kind
            self.items = items
            self.depth = depth
        }

        var isTuple: Bool { kind == .tuple || kind == .group }
        /// Whether it is one of a dictionary's views.
        var isView: Bool { kind == .keys || kind == .values || kind == .items }
    }

    /// A dictionary; its members have an order.
    final class Dictionary {
        let keys: [Value]
        let values: [Value]
        let index: [HashKey: Int]
        let depth: Int

        init(keys: [Value], values: [Value], index: [HashKey: Int], depth: Int) {
            self.keys = keys
            self.values = values
            self.index = index
            self.depth = depth
        }

        subscript(key: HashKey) -> Value? { index[key].map { values[$0] } }
    }

    /// What has no contents that could be compared or printed. Numbers are places in the interpreter's tables.
    enum Object {
        case namespace(Int)
        case cycler(Int)
        case joiner(Int)
        case loop(Int)
        case module(Int)
        case macro(Int)
        /// The blocks of the template, `self`.
        case blocks
        case block(String, index: Int)
        case global(Global)
        case method(Method)
    }

    /// A method with what it belongs to.
    final class Method {
        let receiver: Value
        let name: String
        init(_ receiver: Value, _ name: String) {
            self.receiver = receiver
            self.name = name
        }
    }

    /// The functions that every template has.
    enum Global: String, CaseIterable {
        case range, dict, namespace, cycler, joiner
    }

    /// How deep the value's elements are nested, itself included.
    var depth: Int {
        switch self {
        case .sequence(let sequence): sequence.depth
        case .dictionary(let dictionary): dictionary.depth
        case .object(.method(let method)): method.receiver.depth + 1
        default: 0
        }
    }

    static func deepest(_ values: [Value]) -> Int {
        var deepest = 0
        for value in values { deepest = max(deepest, value.depth) }
        return deepest
    }

    /// The text, where it is one.
    var string: String? {
        switch self {
        case .string(let text), .markup(let text): text
        default: nil
        }
    }

    var isMarkup: Bool { if case .markup = self { true } else { false } }
    var isNone: Bool { if case .none = self { true } else { false } }
    var isUndefined: Bool { if case .undefined = self { true } else { false } }

    /// The integer, where it is one; Booleans are 0 and 1 in Python.
    var index: Int? {
        switch self {
        case .integer(let value): value
        case .boolean(let value): value ? 1 : 0
        default: nil
        }
    }

    /// The number, where it is one.
    var number: Double? {
        if case .float(let value) = self { return value }
        return index.map(Double.init)
    }

    /// What it is, for messages.
    var kindName: String {
        switch self {
        case .undefined: "an undefined value"
        case .none: "none"
        case .boolean: "a boolean"
        case .integer: "an integer"
        case .float: "a float"
        case .string, .markup: "a string"
        case .sequence(let sequence):
            switch sequence.kind {
            case .list: "a list"
            case .tuple, .group: "a tuple"
            case .range: "a range"
            case .keys, .values, .items: "a dictionary's view"
            }
        case .dictionary: "a dictionary"
        case .iterator: "a sequence that can be walked once (add |list)"
        case .object(let object):
            switch object {
            case .namespace: "a namespace"
            case .cycler: "a cycler"
            case .joiner: "a joiner"
            case .loop: "a loop"
            case .module: "an imported template"
            case .macro: "a macro"
            case .blocks, .block: "a block"
            case .global, .method: "a function"
            }
        }
    }
}

/// What a dictionary finds its members by. Numbers that are equal are one key, whatever their kind.
indirect enum HashKey: Hashable {
    case undefined
    case none
    case integer(Int)
    case float(Double)
    case text(Text)
    case tuple([HashKey])

    /// Text that is the same only where its characters are.
    struct Text: Hashable {
        let string: String
        init(_ string: String) { self.string = string }
        static func == (left: Text, right: Text) -> Bool { PythonText.equal(left.string, right.string) }
        func hash(into hasher: inout Hasher) {
            var string = string
            string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    static func number(_ value: Double) -> HashKey {
        if let integer = Int(exactly: value) { .integer(integer) } else { .float(value) }
    }
}

/// The arguments of a call.
struct Arguments {
    struct Keyword {
        let name: String
        let value: Value
    }

    var positional: [Value] = []
    var keywords: [Keyword] = []
}

/// A node of a template's body.
final class Statement: Sendable {
    /// What a value is assigned to.
    indirect enum Target: Sendable {
        case name(String)
        case tuple([Target])
        /// An attribute of a namespace.
        case attribute(String, String)

        /// The names that get values.
        var names: [String] {
            switch self {
            case .name(let name): [name]
            case .tuple(let targets): targets.flatMap(\.names)
            case .attribute: []
            }
        }
    }

    struct Branch: Sendable {
        let test: Expression
        let body: [Statement]
    }

    struct Assignment: Sendable {
        let target: Target
        let value: Expression
    }

    final class Loop: Sendable {
        let target: Target
        let sequence: Expression
        let test: Expression?
        let isRecursive: Bool
        /// Whether the body names `loop`; elsewhere, also in what it includes, there is none.
        let usesLoop: Bool
        let body: [Statement]
        let otherwise: [Statement]
        let escapes: Bool?

        init(
            target: Target, sequence: Expression, test: Expression?, isRecursive: Bool, usesLoop: Bool, body: [Statement],
            otherwise: [Statement], escapes: Bool?
        ) {
            self.target = target
            self.sequence = sequence
            self.test = test
            self.isRecursive = isRecursive
            self.usesLoop = usesLoop
            self.body = body
            self.otherwise = otherwise
            self.escapes = escapes
        }
    }

    /// A macro, or the body of a `call`.
    final class Macro: Sendable {
        struct Parameter: Sendable {
            let name: String
            let value: Expression?
        }

        let name: String
        let parameters: [Parameter]
        let body: [Statement]
        let takesCaller: Bool
        let takesKeywords: Bool
        let takesMore: Bool

        init(name: String, parameters: [Parameter], body: [Statement], takesCaller: Bool, takesKeywords: Bool, takesMore: Bool) {
            self.name = name
            self.parameters = parameters
            self.body = body
            self.takesCaller = takesCaller
            self.takesKeywords = takesKeywords
            self.takesMore = takesMore
        }
    }

    final class Block: Sendable {
        let name: String
        let isScoped: Bool
        let isRequired: Bool
        let body: [Statement]

        init(name: String, isScoped: Bool, isRequired: Bool, body: [Statement]) {
            self.name = name
            self.isScoped = isScoped
            self.isRequired = isRequired
            self.body = body
        }
    }

    /// An `include` or import.
    final class Reference: Sendable {
        struct Name: Sendable {
            let exported: String
            let local: String
        }

        let template: Expression
        let withContext: Bool
        let ignoresMissing: Bool
        /// The name of the whole module.
        let module: String?
        let names: [Name]

        init(
            template: Expression, withContext: Bool, ignoresMissing: Bool = false, module: String? = nil, names: [Name] = []
        ) {
            self.template = template
            self.withContext = withContext
            self.ignoresMissing = ignoresMissing
            self.module = module
            self.names = names
        }
    }

    enum Operation: Sendable {
        case text(String)
        /// Printed values; whether they are escaped, `nil`: as the context says.
        case output([Expression], escapes: Bool?)
        case condition([Branch], otherwise: [Statement])
        case loop(Loop)
        case assignment(Assignment)
        case capture(Target, FilterCall?, [Statement], escapes: Bool?)
        case include(Reference)
        case importModule(Reference)
        case importNames(Reference)
        case extends(Expression)
        case block(Block)
        case macro(Macro)
        case call(Macro, Expression)
        case filter(FilterCall, [Statement], escapes: Bool?)
        case with([Assignment], [Statement])
        case autoescape(Expression, [Statement])
    }

    let operation: Operation
    let position: Position

    init(_ operation: Operation, at position: Position) {
        self.operation = operation
        self.position = position
    }
}

/// What a template reads that it has not set, and which other templates it names.
///
/// A variable counts as set behind its assignment in the same scope, and behind an `if` that sets it in each branch.
struct VariableUsage: Sendable {
    private(set) var undeclared: Set<String> = []
    private(set) var references: Set<String> = []
    private(set) var hasComputedReferences = false

    private static let known = Set(Value.Global.allCases.map(\.rawValue)).union(["self"])

    init(of body: [Statement]) {
        var declared: Set<String> = []
        visit(body, &declared)
    }

    private mutating func visit(_ statements: [Statement], _ declared: inout Set<String>) {
        for statement in statements { visit(statement.operation, &declared) }
    }

    /// A body whose own variables are gone behind it.
    private mutating func visit(scope statements: [Statement], _ declared: Set<String>, adding names: [String] = []) {
        var inner = declared.union(names)
        visit(statements, &inner)
    }

    private mutating func visit(_ operation: Statement.Operation, _ declared: inout Set<String>) {
        switch operation {
        case .text: break
        case .output(let values, _): for value in values { read(value, declared) }
        case .condition(let branches, let otherwise):
            var common: Set<String>?
            for branch in branches {
                read(branch.test, declared)
                var inner = declared
                visit(branch.body, &inner)
                common = common?.intersection(inner) ?? inner
            }
            var inner = declared
            visit(otherwise, &inner)
            declared.formUnion(common?.intersection(inner) ?? inner)
        case .loop(let loop):
            read(loop.sequence, declared)
            let names = loop.target.names
            if let test = loop.test { read(test, declared.union(names)) }
            visit(scope: loop.body, declared, adding: names + ["loop"])
            visit(scope: loop.otherwise, declared)
        case .assignment(let assignment):
            read(assignment.value, declared)
            set(assignment.target, &declared)
        case .capture(let target, let filter, let body, _):
            visit(scope: body, declared)
            if let filter { read(filter, declared) }
            set(target, &declared)
        case .include(let reference): refer(to: reference.template, declared)
        case .importModule(let reference):
            refer(to: reference.template, declared)
            if let module = reference.module { declared.insert(module) }
        case .importNames(let reference):
            refer(to: reference.template, declared)
            declared.formUnion(reference.names.map(\.local))
        case .extends(let name): refer(to: name, declared)
        // A block sees what is set at the template's top before it; in a template that extends, all of that.
        case .block(let block): visit(scope: block.body, declared, adding: ["super"])
        case .macro(let macro):
            declared.insert(macro.name)
            visit(macro, declared)
        case .call(let macro, let call):
            read(call, declared)
            visit(macro, declared)
        case .filter(let filter, let body, _):
            visit(scope: body, declared)
            read(filter, declared)
        case .with(let assignments, let body):
            for assignment in assignments { read(assignment.value, declared) }
            visit(scope: body, declared, adding: assignments.flatMap(\.target.names))
        case .autoescape(let value, let body):
            read(value, declared)
            visit(scope: body, declared)
        }
    }

    private mutating func visit(_ macro: Statement.Macro, _ declared: Set<String>) {
        for parameter in macro.parameters { if let value = parameter.value { read(value, declared.union(macro.parameters.map(\.name))) } }
        visit(scope: macro.body, declared, adding: macro.parameters.map(\.name) + ["caller", "kwargs", "varargs"])
    }

    private mutating func set(_ target: Statement.Target, _ declared: inout Set<String>) {
        if case .attribute(let name, _) = target { read(name, declared) }
        declared.formUnion(target.names)
    }

    private mutating func refer(to template: Expression, _ declared: Set<String>) {
        read(template, declared)
        switch template.operation {
        case .constant(.string(let name)): references.insert(name)
        case .list(let items), .tuple(let items): for item in items { refer(to: item, declared) }
        default: hasComputedReferences = true
        }
    }

    private mutating func read(_ name: String, _ declared: Set<String>) {
        if !declared.contains(name), !Self.known.contains(name) { undeclared.insert(name) }
    }

    private mutating func read(_ filter: FilterCall, _ declared: Set<String>) {
        if let operand = filter.operand { read(operand, declared) }
        for argument in filter.arguments.expressions { read(argument, declared) }
    }

    private mutating func read(_ expression: Expression, _ declared: Set<String>) {
        switch expression.operation {
        case .constant: break
        case .name(let name): read(name, declared)
        case .filter(let filter): read(filter, declared)
        default: for operand in expression.operands { read(operand, declared) }
        }
    }
}

extension Expression {
    /// The expressions that a node is made of.
    var operands: [Expression] {
        switch operation {
        case .constant, .name: []
        case .tuple(let items), .list(let items), .all(let items), .any(let items), .concatenation(let items, _): items
        case .dictionary(let pairs): pairs.flatMap { [$0.key, $0.value] }
        case .attribute(let operand, _), .unary(_, let operand): [operand]
        case .element(let operand, let key): [operand, key]
        case .slice(let operand, let bounds): [operand] + [bounds.start, bounds.end, bounds.step].compactMap { $0 }
        case .call(let function, let arguments): [function] + arguments.expressions
        case .filter(let filter): (filter.operand.map { [$0] } ?? []) + filter.arguments.expressions
        case .test(let operand, _, let arguments): [operand] + arguments.expressions
        case .arithmetic(let first, let operands): [first] + operands.map(\.operand)
        case .comparison(let first, let comparands): [first] + comparands.map(\.operand)
        case .conditional(let test, let then, let otherwise): [test, then] + (otherwise.map { [$0] } ?? [])
        }
    }
}

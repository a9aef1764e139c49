import MillraceCore

/// Functions, macros, and what objects have by name.
extension Interpreter {
    func call(_ function: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        try enter(Weight.call)
        let result = try called(function, arguments)
        leave(Weight.call)
        return result
    }

    private func called(_ function: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        guard case .object(let object) = function else { throw uncallable(function) }
        switch object {
        case .macro(let number): return try callMacro(number, arguments)
        case .method(let method): return try call(method, arguments)
        case .block(let name, let index): return try callBlock(name, index, arguments)
        case .loop(let number): return try callLoop(number, arguments)
        default: return try callSimple(object, arguments)
        }
    }

    private func uncallable(_ function: Value) -> TemplateError {
        if case .undefined(let missing) = function { return fail(missing) }
        return fail("\(function.kindName) cannot be called")
    }

    private func callBlock(_ name: String, _ index: Int, _ arguments: Arguments) throws(TemplateError) -> Value {
        _ = try bind(arguments, [], "the block '\(name)'")
        let text = try captured { () throws(TemplateError) in try runBlock(name, index) }
        return context.escapes ? .markup(text) : .string(text)
    }

    private func callLoop(_ number: Int, _ arguments: Arguments) throws(TemplateError) -> Value {
        guard let state = loops[number] else { throw fail("the loop has ended") }
        guard let elements = try bind(arguments, ["iterable"], "the loop", required: 1)[0] else { return .none }
        return try recurse(state, elements)
    }

    private func callSimple(_ object: Value.Object, _ arguments: Arguments) throws(TemplateError) -> Value {
        switch object {
        case .global(let global): return try call(global, arguments)
        case .joiner(let number):
            _ = try bind(arguments, [], "the joiner")
            if joiners[number].isUsed { return joiners[number].separator }
            joiners[number].isUsed = true
            return .string("")
        default: throw fail("\(Value.object(object).kindName) cannot be called")
        }
    }

    /// The arguments of the parameters in `names`, given by place or by name.
    func bind(
        _ arguments: Arguments, _ names: [String], _ what: @autoclosure () -> String, required: Int = 0
    ) throws(TemplateError) -> [Value?] {
        if arguments.positional.count > names.count {
            throw fail(
                "\(what()) takes \(names.isEmpty ? "no arguments" : "\(names.count) arguments at most: \(names.joined(separator: ", "))")")
        }
        var bound: [Value?] = arguments.positional + Array(repeating: nil, count: names.count - arguments.positional.count)
        for keyword in arguments.keywords {
            guard let place = names.firstIndex(of: keyword.name) else {
                throw fail("\(what()) has no argument '\(keyword.name)'\(Suggestion.phrase(for: keyword.name, among: names))")
            }
            if bound[place] != nil { throw fail("\(what()) is given '\(keyword.name)' twice") }
            bound[place] = keyword.value
        }
        for place in 0..<required where bound[place] == nil { throw fail("\(what()) needs the argument '\(names[place])'") }
        return bound
    }

    // MARK: Macros

    /// Source: what Jinja2's `Macro` does with its arguments.
    private func callMacro(_ number: Int, _ arguments: Arguments) throws(TemplateError) -> Value {
        let escapes = context.escapes
        let call = try given(arguments, to: macros[number])
        let text = try run(macros[number], in: call.scope, call.missing)
        return escapes ? .markup(text) : .string(text)
    }

    /// The scope of a macro's call, and the parameters that were not given.
    private func given(
        _ arguments: Arguments, to instance: MacroInstance
    ) throws(TemplateError) -> (scope: Scope, missing: [Statement.Macro.Parameter]) {
        let macro = instance.macro
        var keywords = arguments.keywords
        try charge(macro.parameters.count + macro.parameters.count * keywords.count / 16)
        let inner = Scope(in: instance.scope)
        var missing: [Statement.Macro.Parameter] = []
        for (place, parameter) in macro.parameters.enumerated() {
            if place < arguments.positional.count {
                inner.variables[parameter.name] = arguments.positional[place]
            } else if let keyword = keywords.firstIndex(where: { $0.name == parameter.name }) {
                inner.variables[parameter.name] = keywords.remove(at: keyword).value
            } else {
                missing.append(parameter)
            }
        }
        if macro.takesCaller {
            let place = keywords.firstIndex { $0.name == "caller" }
            inner.variables["caller"] =
                place.map { keywords.remove(at: $0).value }
                ?? .undefined(Value.Missing("'caller' is undefined: the macro was not called by {% call %}"))
        }
        if macro.takesKeywords {
            inner.variables["kwargs"] = try dictionary(keywords.map { (.string($0.name), $0.value) })
        } else if let keyword = keywords.first {
            throw fail("the macro '\(macro.name)' has no parameter '\(keyword.name)', or it is given twice")
        }
        if macro.takesMore {
            inner.variables["varargs"] = try tuple(Array(arguments.positional.dropFirst(macro.parameters.count)))
        } else if arguments.positional.count > macro.parameters.count {
            throw fail("the macro '\(macro.name)' takes \(macro.parameters.count) arguments at most")
        }
        return (inner, missing)
    }

    private func run(
        _ instance: MacroInstance, in inner: Scope, _ missing: [Statement.Macro.Parameter]
    ) throws(TemplateError) -> String {
        let (outerScope, outerTemplate, outerContext) = (scope, template, context)
        (scope, template, context) = (inner, instance.template, instance.context)
        if !missing.isEmpty { try setDefaults(missing, in: inner, instance.macro.name) }
        let text = try captured { () throws(TemplateError) in try execute(instance.macro.body) }
        (scope, template, context) = (outerScope, outerTemplate, outerContext)
        return text
    }

    /// A default may use the parameters before it.
    private func setDefaults(_ missing: [Statement.Macro.Parameter], in inner: Scope, _ macro: String) throws(TemplateError) {
        for parameter in missing {
            if let value = parameter.value {
                inner.variables[parameter.name] = try evaluate(value)
            } else {
                inner.variables[parameter.name] = .undefined(
                    Value.Missing("the parameter '\(parameter.name)' of the macro '\(macro)' was not given"))
            }
        }
    }

    // MARK: Globals

    private func call(_ global: Value.Global, _ arguments: Arguments) throws(TemplateError) -> Value {
        switch global {
        case .range: return try range(arguments)
        case .dict: return try dictionary(try members(arguments, "dict"))
        case .namespace:
            var attributes: [String: Value] = [:]
            for (key, value) in try members(arguments, "namespace") { if let name = key.string { attributes[name] = value } }
            namespaces.append(attributes)
            return .object(.namespace(namespaces.count - 1))
        case .cycler:
            if arguments.positional.isEmpty || !arguments.keywords.isEmpty { throw fail("cycler() needs items, without names") }
            cyclers.append((arguments.positional, 0))
            return .object(.cycler(cyclers.count - 1))
        case .joiner:
            joiners.append((try bind(arguments, ["sep"], "joiner()")[0] ?? .string(", "), false))
            return .object(.joiner(joiners.count - 1))
        }
    }

    private func range(_ arguments: Arguments) throws(TemplateError) -> Value {
        guard (1...3).contains(arguments.positional.count), arguments.keywords.isEmpty else {
            throw fail("range() takes one to three arguments without names: the end, or the start, the end and the step")
        }
        var bounds: [Int] = []
        for argument in arguments.positional { bounds.append(try integer(argument, "an argument of range()")) }
        let (start, stop) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
        let step = bounds.count == 3 ? bounds[2] : 1
        if step == 0 { throw fail("the step of range() is not 0") }
        var items: [Value] = []
        var next = start
        while step > 0 ? next < stop : next > stop {
            if items.count >= limits.rangeElements { throw fail("range() has more than \(limits.rangeElements) elements", .limit) }
            items.append(.integer(next))
            let (sum, overflow) = next.addingReportingOverflow(step)
            if overflow { break }
            next = sum
        }
        return try sequence(.range(start: start, stop: stop, step: step), items)
    }

    /// What `dict()` makes of a dictionary or of pairs, and of arguments with names.
    private func members(_ arguments: Arguments, _ what: String) throws(TemplateError) -> [(key: Value, value: Value)] {
        if arguments.positional.count > 1 { throw fail("\(what)() takes one argument without a name at most") }
        var members: [(key: Value, value: Value)] = []
        switch arguments.positional.first {
        case .dictionary(let dictionary)?:
            try charge(1 + dictionary.keys.count)
            members = Array(zip(dictionary.keys, dictionary.values))
        case .undefined(let missing)?: throw fail(missing)
        case let pairs?:
            for pair in try items(of: pairs) {
                let items = try items(of: pair)
                guard items.count == 2 else { throw fail("\(what)() needs pairs of a key and a value") }
                members.append((items[0], items[1]))
            }
        case nil: break
        }
        return members + arguments.keywords.map { (.string($0.name), $0.value) }
    }

    // MARK: Attributes of objects

    func objectAttribute(_ name: String, of object: Value.Object) throws(TemplateError) -> Value? {
        switch object {
        case .namespace(let number): return namespaces[number][name]
        case .module(let number): return modules[number][name]
        case .cycler(let number):
            if name == "current" { return cyclers[number].items[cyclers[number].next] }
            return name == "next" || name == "reset" ? .object(.method(Value.Method(.object(object), name))) : nil
        case .loop(let number): return try loopAttribute(name, number)
        case .blocks: return context.blocks[name] == nil ? nil : .object(.block(name, index: 0))
        case .block(let block, let index):
            guard name == "super" else { return nil }
            if index + 1 < context.blocks[block]?.count ?? 0 { return .object(.block(block, index: index + 1)) }
            return .undefined(Value.Missing("there is no parent block called '\(block)'"))
        case .macro(let number) where name == "name": return .string(macros[number].macro.name)
        case .macro, .joiner, .global, .method:
            throw fail("\(Value.object(object).kindName) has no attributes in templates")
        }
    }

    private func loopAttribute(_ name: String, _ number: Int) throws(TemplateError) -> Value? {
        guard let state = loops[number] else { throw fail("the loop has ended") }
        let test = { (item: Value) throws(TemplateError) in try self.passes(item, state) }
        switch name {
        case "index": return .integer(state.index0 + 1)
        case "index0": return .integer(state.index0)
        case "revindex": return .integer(try state.length(test) - state.index0)
        case "revindex0": return .integer(try state.length(test) - state.index0 - 1)
        case "first": return .boolean(state.index0 == 0)
        case "last": return .boolean(try state.peek(test) == nil)
        case "length": return .integer(try state.length(test))
        case "depth": return .integer(state.depth + 1)
        case "depth0": return .integer(state.depth)
        case "previtem": return state.previous ?? .undefined(Value.Missing("there is no previous item"))
        case "nextitem": return try state.peek(test) ?? .undefined(Value.Missing("there is no next item"))
        case "cycle", "changed": return .object(.method(Value.Method(.object(.loop(number)), name)))
        default: return nil
        }
    }

    /// `loop.cycle`, `loop.changed`, `cycler.next`, `cycler.reset`.
    func call(_ name: String, of object: Value.Object, _ arguments: Arguments) throws(TemplateError) -> Value {
        switch object {
        case .cycler(let number):
            _ = try bind(arguments, [], "\(name)()")
            let (items, next) = cyclers[number]
            cyclers[number].next = name == "next" ? (next + 1) % items.count : 0
            return name == "next" ? items[next] : .none
        case .loop(let number):
            guard let state = loops[number], arguments.keywords.isEmpty else { throw fail("the loop has ended, or an argument has a name") }
            if name == "cycle" {
                if arguments.positional.isEmpty { throw fail("loop.cycle() needs items") }
                return arguments.positional[max(0, state.index0) % arguments.positional.count]
            }
            let value = try tuple(arguments.positional)
            if let last = state.changed, try equal(last, value) { return .boolean(false) }
            state.changed = value
            return .boolean(true)
        default: return .none
        }
    }
}

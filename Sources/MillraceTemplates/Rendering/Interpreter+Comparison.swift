/// Truth, equality, order and membership, as in Python.
extension Interpreter {
    /// `bool(value)`.
    func truth(_ value: Value) throws(TemplateError) -> Bool {
        switch value {
        case .undefined(let missing):
            try useUndefined(missing)
            return false
        case .none: return false
        case .boolean(let value): return value
        case .integer(let value): return value != 0
        case .float(let value): return value != 0
        case .string(let text), .markup(let text): return !text.isEmpty
        case .sequence(let sequence): return !sequence.items.isEmpty
        case .dictionary(let dictionary): return !dictionary.keys.isEmpty
        case .object(.loop(let number)): return try length(of: .object(.loop(number))) > 0
        case .iterator, .object: return true
        }
    }

    func compare(_ left: Value, _ comparison: Expression.Comparison, _ right: Value) throws(TemplateError) -> Bool {
        switch comparison {
        case .equal: try equal(left, right)
        case .notEqual: !(try equal(left, right))
        case .less: try ordered(left, right, "<") { $0 < 0 }
        case .lessOrEqual: try ordered(left, right, "<=") { $0 <= 0 }
        case .greater: try ordered(left, right, ">") { $0 > 0 }
        case .greaterOrEqual: try ordered(left, right, ">=") { $0 >= 0 }
        case .in: try contains(right, left)
        case .notIn: !(try contains(right, left))
        }
    }

    /// `left == right`.
    func equal(_ left: Value, _ right: Value) throws(TemplateError) -> Bool {
        try charge()
        switch (left, right) {
        case (.undefined(let missing), _):
            try useUndefined(missing)
            return right.isUndefined
        case (_, .undefined(let missing)):
            try useUndefined(missing)
            return false
        case (.none, .none): return true
        case (.string, _), (.markup, _):
            guard let left = left.string, let right = right.string else { return false }
            try charge(min(left.utf8.count, right.utf8.count) / 64)
            return PythonText.equal(left, right)
        case (.sequence(let left), .sequence(let right)): return try equal(left, right)
        case (.dictionary(let left), .dictionary(let right)): return try equal(left, right)
        case (.iterator(let left), .iterator(let right)): return left == right
        case (.object(let left), .object(let right)): return isSame(left, right)
        default: return order(left, right) == 0
        }
    }

    private func isSame(_ left: Value.Object, _ right: Value.Object) -> Bool {
        switch (left, right) {
        case (.namespace(let left), .namespace(let right)), (.cycler(let left), .cycler(let right)),
            (.joiner(let left), .joiner(let right)),
            (.loop(let left), .loop(let right)), (.module(let left), .module(let right)), (.macro(let left), .macro(let right)):
            left == right
        case (.global(let left), .global(let right)): left == right
        default: false
        }
    }

    private func equal(_ left: Value.Sequence, _ right: Value.Sequence) throws(TemplateError) -> Bool {
        switch (left.kind, right.kind) {
        case (.keys, .keys), (.items, .items):
            // Views of keys and members are sets.
            guard left.items.count == right.items.count else { return false }
            for item in left.items where !(try contains(right.items, item)) { return false }
            return true
        case (.values, .values): return left === right
        default:
            guard left.kind == right.kind || left.isTuple && right.isTuple || isRange(left) && isRange(right) else { return false }
            guard left.items.count == right.items.count else { return false }
            for (left, right) in zip(left.items, right.items) where !(try equal(left, right)) { return false }
            return true
        }
    }

    private func isRange(_ sequence: Value.Sequence) -> Bool { if case .range = sequence.kind { true } else { false } }

    private func equal(_ left: Value.Dictionary, _ right: Value.Dictionary) throws(TemplateError) -> Bool {
        guard left.keys.count == right.keys.count else { return false }
        for (key, value) in zip(left.keys, left.values) {
            guard let other = right[try hashKey(key)], try equal(value, other) else { return false }
        }
        return true
    }

    /// -1, 0 or 1 for numbers; `nil` for anything else, and for what is no number.
    private func order(_ left: Value, _ right: Value) -> Int? {
        if let left = left.index, let right = right.index { return left < right ? -1 : left == right ? 0 : 1 }
        guard let leftNumber = left.number, let rightNumber = right.number, !leftNumber.isNaN, !rightNumber.isNaN else { return nil }
        // An integer may have more digits than a float: compared as Python does, exactly.
        if let integer = left.index { return -(order(rightNumber, integer)) }
        if let integer = right.index { return order(leftNumber, integer) }
        return leftNumber < rightNumber ? -1 : leftNumber == rightNumber ? 0 : 1
    }

    private func order(_ float: Double, _ integer: Int) -> Int {
        // 2^63, the first float beyond all integers.
        if float >= 0x1p63 { return 1 }
        if float < -0x1p63 { return -1 }
        let whole = Int(float.rounded(.down))
        if whole != integer { return whole < integer ? -1 : 1 }
        return float == float.rounded(.down) ? 0 : 1
    }

    private func ordered(
        _ left: Value, _ right: Value, _ sign: String, _ holds: (Int) -> Bool
    ) throws(TemplateError) -> Bool {
        guard let order = try order(of: left, right, sign) else { return false }
        return holds(order)
    }

    /// How two values are ordered: -1, 0 or 1, or `nil` where a number is none. Values that have no order are an error.
    func order(of left: Value, _ right: Value, _ sign: String = "<") throws(TemplateError) -> Int? {
        try charge()
        switch (left, right) {
        case (.undefined(let missing), _), (_, .undefined(let missing)): throw fail(missing)
        case (.sequence(let left), .sequence(let right)) where left.kind == .list && right.kind == .list || left.isTuple && right.isTuple:
            for (left, right) in zip(left.items, right.items) where !(try equal(left, right)) { return try order(of: left, right, sign) }
            return left.items.count < right.items.count ? -1 : left.items.count == right.items.count ? 0 : 1
        default: break
        }
        if let left = left.string, let right = right.string {
            try charge(min(left.utf8.count, right.utf8.count) / 64)
            return PythonText.equal(left, right) ? 0 : PythonText.precedes(left, right) ? -1 : 1
        }
        guard left.number != nil, right.number != nil else {
            throw fail("\(left.kindName) and \(right.kindName) cannot be ordered by '\(sign)'")
        }
        return order(left, right)
    }

    /// `item in container`.
    func contains(_ container: Value, _ item: Value) throws(TemplateError) -> Bool {
        switch container {
        case .undefined(let missing):
            try useUndefined(missing)
            return false
        case .string(let text), .markup(let text):
            guard let part = item.string else {
                if case .undefined(let missing) = item { throw fail(missing) }
                throw fail("only a string can be in a string, not \(item.kindName)")
            }
            try charge(1 + (text.utf8.count + part.utf8.count) / 64)
            return PythonText.find(Array(part.unicodeScalars), in: Array(text.unicodeScalars)) != nil
        case .sequence(let sequence): return try contains(sequence.items, item)
        case .dictionary(let dictionary): return dictionary[try hashKey(item)] != nil
        case .iterator(let number):
            // Walked until the item is found.
            while iterators[number].next < iterators[number].items.count {
                let candidate = iterators[number].items[iterators[number].next]
                iterators[number].next += 1
                if try equal(candidate, item) { return true }
            }
            return false
        default: throw fail("nothing can be in \(container.kindName)")
        }
    }

    private func contains(_ items: [Value], _ item: Value) throws(TemplateError) -> Bool {
        for candidate in items where try equal(candidate, item) { return true }
        return false
    }

    /// Sorts as Python's `sorted`: stable, and an error where two elements have no order.
    ///
    /// Source: merge sort from the bottom up.
    func sorted(_ count: Int, reverse: Bool, by order: (Int, Int) throws(TemplateError) -> Bool) throws(TemplateError) -> [Int] {
        var places = Array(0..<count)
        if reverse { places.reverse() }
        var merged = places
        var width = 1
        while width < count {
            var start = 0
            while start < count {
                let middle = min(start + width, count)
                let end = min(middle + width, count)
                var (left, right) = (start, middle)
                for place in start..<end {
                    let takesRight: Bool
                    if left >= middle {
                        takesRight = true
                    } else if right >= end {
                        takesRight = false
                    } else {
                        try charge()
                        takesRight = try order(places[right], places[left])
                    }
                    if takesRight {
                        merged[place] = places[right]
                        right += 1
                    } else {
                        merged[place] = places[left]
                        left += 1
                    }
                }
                start = end
            }
            swap(&places, &merged)
            width *= 2
        }
        if reverse { places.reverse() }
        return places
    }
}

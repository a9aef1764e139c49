import Glibc
import MillraceCore

/// How a workbook shows a number (ECMA-376 part 1, section 18.8.30). Dates and times are shown as ISO 8601 writes them, which no reader takes for
/// another day; of the other codes those that are in common use are followed, and any else shows the number itself. A value without I/O.
struct NumberFormat: Equatable {
    private enum Kind: Equatable {
        case general
        case date(hasDay: Bool, hasTime: Bool)
        /// Hours, minutes and seconds that go on beyond a day.
        case duration
        /// One for positive numbers, or more for others.
        case numeric([Section])
    }

    private struct Section: Equatable {
        var prefix = ""
        var suffix = ""
        var decimals = 0
        var optionalDecimals = 0
        var isGrouped = false
        var percents = 0
        /// How many times it is divided by 1,000.
        var thousands = 0
        var hasDigits = false
    }

    private let kind: Kind

    static let general = NumberFormat(kind: .general)

    private init(kind: Kind) { self.kind = kind }

    /// The format of a number that every workbook knows (section 18.8.30); `nil`: the workbook says what it is.
    init?(builtIn id: Int) {
        switch id {
        case 0, 49: self = .general
        case 1: self.init(code: "0")
        case 2: self.init(code: "0.00")
        case 3, 37, 38: self.init(code: "#,##0")
        case 4, 39, 40: self.init(code: "#,##0.00")
        case 9: self.init(code: "0%")
        case 10: self.init(code: "0.00%")
        case 14...17, 27...31, 36, 50...54, 57, 58: self.init(kind: .date(hasDay: true, hasTime: false))
        case 18...21, 32...35, 55, 56: self.init(kind: .date(hasDay: false, hasTime: true))
        case 22: self.init(kind: .date(hasDay: true, hasTime: true))
        case 45...47: self.init(kind: .duration)
        default: return nil
        }
    }

    /// A format code, such as `#,##0.00 "kg";[Red]-0`.
    init(code: String) {
        var sections: [[Character]] = [[]]
        var isQuoted = false
        var isEscaped = false
        for character in code.prefix(500) {
            if !isQuoted, !isEscaped, character == ";" {
                sections.append([])
                continue
            }
            if isEscaped {
                isEscaped = false
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == "\\" {
                isEscaped = true
            }
            sections[sections.count - 1].append(character)
        }
        if let date = Self.date(sections[0]) {
            self.init(kind: date)
            return
        }
        let parsed = sections.prefix(3).map(Self.section)
        guard let first = parsed[0], first.hasDigits else {
            self.init(kind: .general)
            return
        }
        self.init(kind: .numeric(parsed.map { $0 ?? first }))
    }

    /// Whether the code shows a date, a time or a duration: letters of those outside of quotes and brackets.
    private static func date(_ code: [Character]) -> Kind? {
        var hasDay = false
        var hasTime = false
        var position = 0
        while position < code.count {
            let character = code[position]
            switch character {
            case "\"":
                position += 1
                while position < code.count, code[position] != "\"" { position += 1 }
            case "\\", "_", "*": position += 1
            case "[":
                let end = code[position...].firstIndex(of: "]") ?? code.count - 1
                let content = code[(position + 1)..<max(end, position + 1)]
                if let first = content.first, "hHmMsS".contains(first), content.allSatisfy({ $0 == first }) { return .duration }
                position = end
            case "y", "Y", "d", "D": hasDay = true
            case "h", "H", "s", "S": hasTime = true
            // A month, or minutes beside hours or seconds: told below.
            case "m", "M": if !hasTime, !code[position...].contains(where: { "sS".contains($0) }) { hasDay = true }
            case "0", "#",
                "?" where !hasTime && !hasDay:
                return nil
            case "G", "g", "E",
                "e" where !hasDay && !hasTime:
                return nil
            default: break
            }
            position += 1
        }
        return hasDay || hasTime ? .date(hasDay: hasDay, hasTime: hasTime) : nil
    }

    private static func section(_ code: [Character]) -> Section? {
        var section = Section()
        var isBehindPoint = false
        var position = 0
        func literal(_ text: String) {
            if section.hasDigits { section.suffix += text } else { section.prefix += text }
        }
        while position < code.count {
            let character = code[position]
            switch character {
            case "\"":
                position += 1
                let end = code[position...].firstIndex(of: "\"") ?? code.count
                literal(String(code[position..<end]))
                position = end
            case "\\":
                position += 1
                if position < code.count { literal(String(code[position])) }
            // The width of a character, or one that fills the cell.
            case "_", "*":
                position += 1
                if character == "_", section.hasDigits == false || position < code.count { literal(" ") }
            case "[":
                // A colour, a condition, or a currency with its locale: [$€-407].
                let end = code[position...].firstIndex(of: "]") ?? code.count - 1
                let content = String(code[(position + 1)..<max(end, position + 1)])
                if content.hasPrefix("$") { literal(String(content.dropFirst().prefix { $0 != "-" })) }
                position = end
            case "0", "#", "?":
                if section.thousands > 0 { section.isGrouped = true }
                section.thousands = 0
                section.hasDigits = true
                if isBehindPoint { section.decimals += 1 }
                if isBehindPoint, character != "0" { section.optionalDecimals += 1 }
            case ".": isBehindPoint = true
            // Between digits it groups; behind them it divides.
            case "," where section.hasDigits: section.thousands += 1
            case "%":
                section.percents += 1
                literal("%")
            case "/", "@": return nil
            case "E", "e", "G", "g": return nil
            default: literal(String(character))
            }
            position += 1
        }
        return section
    }

    /// The number as text.
    /// - Parameter epoch1904: whether days are counted from 1904 on instead of 1900.
    func text(_ value: Double, epoch1904: Bool) -> String {
        switch kind {
        case .general: return Self.general(value)
        case .date(let hasDay, let hasTime): return Self.date(value, hasDay, hasTime, epoch1904) ?? Self.general(value)
        case .duration: return Self.duration(value)
        case .numeric(let sections):
            let isNegative = value < 0
            if value == 0, sections.count > 2 { return Self.numeric(value, sections[2]) }
            if isNegative, sections.count > 1 { return Self.numeric(-value, sections[1]) }
            return (isNegative ? "-" : "") + Self.numeric(abs(value), sections[0])
        }
    }

    private static func general(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int(value))" }
        return "\(value)"
    }

    private static func numeric(_ value: Double, _ section: Section) -> String {
        guard section.hasDigits else { return section.prefix.trimmed }
        var value = value
        for _ in 0..<min(section.percents, 4) { value *= 100 }
        for _ in 0..<min(section.thousands, 6) { value /= 1000 }
        guard value < 1e18 else { return general(value) }
        // Excel rounds what people see: 15 digits of what is stored.
        let exact = Double(fixed(value, digits: 15, format: "%.*g")) ?? value
        var digits = fixed(exact, digits: min(section.decimals, 30), format: "%.*f")
        for _ in 0..<section.optionalDecimals where digits.hasSuffix("0") { digits.removeLast() }
        if digits.hasSuffix(".") { digits.removeLast() }
        if section.isGrouped {
            let whole = digits.prefix { $0 != "." }
            var grouped = ""
            for (index, digit) in whole.enumerated() {
                if index > 0, (whole.count - index) % 3 == 0 { grouped.append(",") }
                grouped.append(digit)
            }
            digits = grouped + digits.dropFirst(whole.count)
        }
        return (section.prefix + digits + section.suffix).trimmed
    }

    private static func fixed(_ value: Double, digits: Int, format: String) -> String {
        var buffer = [CChar](repeating: 0, count: 400)
        let length = withVaList([Int32(digits), value]) { vsnprintf(&buffer, buffer.count, format, $0) }
        return String(decoding: buffer.prefix(max(Int(length), 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func date(_ value: Double, _ hasDay: Bool, _ hasTime: Bool, _ epoch1904: Bool) -> String? {
        // To the second; the day after 9999-12-31 is no date.
        guard value >= 0, value < 2_958_466 else { return nil }
        let seconds = Int((value * 86400).rounded())
        var day = seconds / 86400
        // 1900 is taken for a leap year, so that days before its March are one less.
        if !epoch1904, day < 60 { day += 1 }
        let date = CivilDate(epochSeconds: Int64(day - (epoch1904 ? 24107 : 25569)) * 86400)
        let civil = "\(date.year)-\(two(Int(date.month)))-\(two(Int(date.day)))"
        let clock = two(seconds % 86400 / 3600) + ":" + two(seconds % 3600 / 60) + ":" + two(seconds % 60)
        guard hasDay, day > 0 || epoch1904 else { return clock }
        return hasTime ? "\(civil) \(clock)" : civil
    }

    private static func duration(_ value: Double) -> String {
        guard abs(value) < 1e9 else { return general(value) }
        let seconds = Int((abs(value) * 86400).rounded())
        return "\(value < 0 ? "-" : "")\(seconds / 3600):\(two(seconds % 3600 / 60)):\(two(seconds % 60))"
    }

    private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}

extension String {
    fileprivate var trimmed: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

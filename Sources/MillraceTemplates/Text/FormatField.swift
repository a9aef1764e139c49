/// How one value is laid out: the part behind `%` or `:` of a format.
struct FormatField: Equatable {
    enum Alignment: Unicode.Scalar { case left = "<", right = ">", center = "^", afterSign = "=" }

    var fill: Unicode.Scalar = " "
    var alignment: Alignment?
    var sign: Unicode.Scalar = "-"
    var isAlternative = false
    var width = 0
    var precision: Int?
    var grouping: String?
    /// The conversion's letter; `nil`: what suits the value.
    var conversion: Character?

    /// Reads Python's format specification: `[[fill]align][sign][#][0][width][grouping][.precision][type]`; `nil` where it is none.
    ///
    /// Source: the Python library reference, "Format Specification Mini-Language".
    init?(_ text: [Unicode.Scalar]) {
        var rest = text[...]
        func alignment(_ scalar: Unicode.Scalar?) -> Alignment? { scalar.flatMap(Alignment.init) }
        if rest.count > 1, let found = alignment(rest[1]) {
            (fill, self.alignment) = (rest[0], found)
            rest = rest.dropFirst(2)
        } else if let found = alignment(rest.first) {
            self.alignment = found
            rest = rest.dropFirst()
        }
        if let first = rest.first, first == "+" || first == "-" || first == " " {
            sign = first
            rest = rest.dropFirst()
        }
        if rest.first == "#" {
            isAlternative = true
            rest = rest.dropFirst()
        }
        if rest.first == "0" {
            if self.alignment == nil { (fill, self.alignment) = ("0", .afterSign) }
            rest = rest.dropFirst()
        }
        guard let width = Self.number(&rest) else { return nil }
        self.width = width ?? 0
        if let first = rest.first, first == "," || first == "_" {
            grouping = String(Character(first))
            rest = rest.dropFirst()
        }
        if rest.first == "." {
            rest = rest.dropFirst()
            guard let precision = Self.number(&rest), let precision else { return nil }
            self.precision = precision
        }
        if let first = rest.first {
            conversion = Character(first)
            rest = rest.dropFirst()
        }
        if !rest.isEmpty { return nil }
    }

    init() {}

    /// A number that may be missing; `nil` where it is too large.
    static func number(_ rest: inout ArraySlice<Unicode.Scalar>) -> Int?? {
        var value: Int?
        while let digit = rest.first, PythonText.isDigit(digit) {
            value = (value ?? 0) * 10 + Int(digit.value) - 48
            if value ?? 0 > NumberFormat.mostDigits { return nil }
            rest = rest.dropFirst()
        }
        return .some(value)
    }

    /// Fills the text to the width.
    func padded(_ text: String, default alignment: Alignment, signLength: Int = 0) -> String {
        let missing = width - text.unicodeScalars.count
        guard missing > 0 else { return text }
        let padding = String(repeating: String(Character(fill)), count: missing)
        switch self.alignment ?? alignment {
        case .left: return text + padding
        case .right: return padding + text
        case .center:
            let before = String(repeating: String(Character(fill)), count: missing / 2)
            return before + text + String(repeating: String(Character(fill)), count: missing - missing / 2)
        case .afterSign:
            return PythonText.string(text.unicodeScalars.prefix(signLength)) + padding
                + PythonText.string(text.unicodeScalars.dropFirst(signLength))
        }
    }

    /// A number's digits with sign, prefix and grouping, filled to the width.
    func number(_ digits: String, isNegative: Bool, prefix: String = "", groupSize: Int = 3) -> String {
        let lead = (isNegative ? "-" : sign == "-" ? "" : String(Character(sign))) + prefix
        var digits = digits
        if let grouping {
            let end = digits.firstIndex { !$0.isHexDigit } ?? digits.endIndex
            let whole = groupSize == 3 && digits.contains("e") ? digits.firstIndex { $0 == "." || $0 == "e" } ?? end : end
            // Zeros that fill the width are grouped, too.
            var integer = String(digits[..<whole])
            if fill == "0", alignment == .afterSign {
                let others = lead.count + digits[whole...].count
                while others + NumberFormat.grouped("0" + integer, by: grouping, size: groupSize).count <= width { integer = "0" + integer }
                if others + NumberFormat.grouped(integer, by: grouping, size: groupSize).count < width { integer = "0" + integer }
            }
            digits = NumberFormat.grouped(integer, by: grouping, size: groupSize) + digits[whole...]
        }
        return padded(lead + digits, default: .right, signLength: lead.unicodeScalars.count)
    }
}

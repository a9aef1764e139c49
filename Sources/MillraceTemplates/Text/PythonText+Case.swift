/// Python's mappings and tests of upper and lower case.
extension PythonText {
    static func upper(_ text: some Sequence<Unicode.Scalar>) -> String {
        var result = ""
        for scalar in text { result += scalar.properties.uppercaseMapping }
        return result
    }

    static func lower(_ scalars: Scalars) -> String {
        var result = ""
        for (place, scalar) in scalars.enumerated() { result += lower(scalar, at: place, in: scalars) }
        return result
    }

    /// The lower case of one character; a sigma at the end of a word has a form of its own (Unicode, section 3.13, `Final_Sigma`).
    private static func lower(_ scalar: Unicode.Scalar, at place: Int, in scalars: Scalars) -> String {
        guard scalar == "\u{3A3}" else { return scalar.properties.lowercaseMapping }
        let before = scalars[..<place].last { !$0.properties.isCaseIgnorable }
        let after = scalars[(place + 1)...].first { !$0.properties.isCaseIgnorable }
        return before?.properties.isCased == true && after?.properties.isCased != true ? "\u{3C2}" : "\u{3C3}"
    }

    static func capitalized(_ scalars: Scalars) -> String {
        var result = ""
        for (place, scalar) in scalars.enumerated() {
            result += place == 0 ? scalar.properties.titlecaseMapping : lower(scalar, at: place, in: scalars)
        }
        return result
    }

    /// `str.title`: what follows a cased letter is lower case, other letters are title case.
    static func titled(_ scalars: Scalars) -> String {
        var result = ""
        var afterCased = false
        for (place, scalar) in scalars.enumerated() {
            result += afterCased ? lower(scalar, at: place, in: scalars) : scalar.properties.titlecaseMapping
            afterCased = scalar.properties.isCased
        }
        return result
    }

    /// Jinja2's `title`: words begin after white space, hyphens and opening brackets, and nowhere else.
    static func titledWords(_ scalars: Scalars) -> String {
        var result = ""
        var word: Scalars = []
        func flush() {
            guard let first = word.first else { return }
            result += first.properties.uppercaseMapping + lower(Array(word.dropFirst()))
            word = []
        }
        for scalar in scalars {
            switch scalar {
            case "-", "(", "{", "[", "<":
                flush()
                result.unicodeScalars.append(scalar)
            default:
                if isSpace(scalar) {
                    flush()
                    result.unicodeScalars.append(scalar)
                } else {
                    word.append(scalar)
                }
            }
        }
        flush()
        return result
    }

    static func swappedCase(_ scalars: Scalars) -> String {
        var result = ""
        for (place, scalar) in scalars.enumerated() {
            result +=
                scalar.properties.isUppercase
                ? lower(scalar, at: place, in: scalars)
                : scalar.properties.isLowercase ? scalar.properties.uppercaseMapping : String(Character(scalar))
        }
        return result
    }

    static func isUpper(_ scalars: Scalars) -> Bool {
        var some = false
        for scalar in scalars {
            if scalar.properties.isLowercase || scalar.properties.generalCategory == .titlecaseLetter { return false }
            if scalar.properties.isUppercase { some = true }
        }
        return some
    }

    static func isLower(_ scalars: Scalars) -> Bool {
        var some = false
        for scalar in scalars {
            if scalar.properties.isUppercase || scalar.properties.generalCategory == .titlecaseLetter { return false }
            if scalar.properties.isLowercase { some = true }
        }
        return some
    }
}

/// Every scalar's ``ScalarClass`` as of Unicode 16, the version that tiktoken's pattern engine knows.
///
/// The standard library's tables follow the toolchain's Unicode version (Swift 6.3 has 17). A scalar that a later version assigned counts as
/// unassigned here, as it does for tiktoken; so counts do not change with the toolchain. The tables are laid out flat because the library's
/// own look-up costs some 40 ns a scalar.
final class ScalarClassTable: Sendable {
    /// The one table. It takes some tens of milliseconds to make: a counter asks for it when it is created, not when it counts.
    static let shared = ScalarClassTable()

    /// The number of a scalar's page in ``classes``, by the scalar's value divided by ``pageSize``.
    private let pages: [UInt16]
    /// The classes, a page after the other; equal pages are kept once. The first is that of ASCII and Latin-1.
    private let classes: [UInt8]

    static let pageSize = 256
    private static let unicodeVersion = (major: 16, minor: 0)

    private init() {
        var (pages, classes) = ([UInt16](), [UInt8]())
        var known: [[UInt8]: UInt16] = [:]
        for first in stride(from: 0, to: 0x110000, by: Self.pageSize) {
            let page = Self.hasAssignedScalars(first) ? Self.page(from: first) : [UInt8](repeating: 0, count: Self.pageSize)
            if let index = known[page] {
                pages.append(index)
            } else {
                let index = UInt16(known.count)
                known[page] = index
                pages.append(index)
                classes += page
            }
        }
        self.pages = pages
        self.classes = classes
    }

    /// The class of an ASCII character: the first page is its own.
    @inline(__always) subscript(ascii byte: UInt8) -> ScalarClass { ScalarClass(rawValue: classes[Int(byte)]) }

    /// The class of a scalar.
    subscript(_ scalar: Unicode.Scalar) -> ScalarClass {
        let (page, index) = Int(scalar.value).quotientAndRemainder(dividingBy: Self.pageSize)
        return ScalarClass(rawValue: classes[Int(pages[page]) * Self.pageSize + index])
    }

    /// Whether Unicode 16 has letters, marks, numbers or white space in the plane of `value`: it has none in planes 4 to 13, nor in the
    /// private planes.
    private static func hasAssignedScalars(_ value: Int) -> Bool { value < 0x40000 || value >> 16 == 14 }

    private static func page(from first: Int) -> [UInt8] {
        (first..<first + pageSize).map { value in Unicode.Scalar(UInt32(value)).map { scalarClass(of: $0).rawValue } ?? 0 }
    }

    private static func scalarClass(of scalar: Unicode.Scalar) -> ScalarClass {
        if scalar == "\r" || scalar == "\n" { return [.space, .newline] }
        // Unicode 17 moved this letter from Ll to Lo: the one category that a scalar of Unicode 16 has not kept.
        if scalar == "\u{295}" { return .lower }
        let properties = scalar.properties
        if properties.isWhitespace { return .space }
        let found: ScalarClass
        switch properties.generalCategory {
        case .uppercaseLetter, .titlecaseLetter: found = .upper
        case .lowercaseLetter: found = .lower
        case .modifierLetter, .otherLetter: found = .caseless
        case .nonspacingMark, .spacingMark, .enclosingMark: found = .mark
        case .decimalNumber, .letterNumber, .otherNumber: found = .number
        default: return []
        }
        guard let age = properties.age, age <= unicodeVersion else { return [] }
        return found
    }
}

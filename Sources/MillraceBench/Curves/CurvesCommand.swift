import Glibc
import MillraceCore

/// `millrace-bench curves`: how Millrace's costs grow with what it has to do.
struct CurvesCommand {
    let options: CurvesOptions
    private let axes: [CostCurve.Axis]
    private let bench: CurveBench

    init(_ options: CurvesOptions) throws(MillraceError) {
        self.options = options
        axes = try RunCommand.chosen(options.curves, of: CostCurve.Axis.allCases, \.rawValue)
        let ownPath = Files.ownPath()
        bench = CurveBench(options: options, tools: options.tools ?? Files.directory(of: ownPath), ownPath: ownPath)
        guard Files.executable("\(bench.tools)/MillraceBenchLoad") != nil else {
            throw MillraceError(.notFound, "there is no MillraceBenchLoad in \(bench.tools): build the package, or give --tools")
        }
    }

    /// Prints a table for each axis. Returns 1 where a bound is broken, or where other processes disturbed a point.
    func run() throws(MillraceError) -> Int32 {
        _ = Descriptors.raiseLimit()
        var curves: [CostCurve] = []
        for axis in axes {
            let measured = try bench.curves(of: axis)
            print(CostCurve.table(measured), terminator: "")
            fflush(nil)
            curves += measured
        }
        let broken = curves.filter(\.isBroken)
        let disturbed = curves.contains(where: \.isDisturbed)
        print(
            broken.isEmpty
                ? "All \(curves.count) curves keep their bounds."
                : "\(broken.count) of \(curves.count) curves break their bounds: \(broken.map { "\($0.axis.rawValue): \($0.name)" }.joined(separator: "; "))"
        )
        if disturbed { print("! Other processes used more than \(Report.decimal(Disturbance.allowedShare * 100, 0)) % of the CPU there.") }
        if let path = options.json { try Files.write(json(curves).text + "\n", to: path) }
        return broken.isEmpty && (!disturbed || options.allowsDisturbed) ? 0 : 1
    }

    private func json(_ curves: [CostCurve]) throws(MillraceError) -> JSONValue {
        .object(["origin": MachineDescription(options: try RunOptions([])).origin.json, "curves": .array(curves.map(\.json))])
    }
}

import MillraceCore

/// What a load made of a server, and the server of the machine.
struct LoadOutcome {
    var load: LoadResult
    var usage: Measurement.Usage
    var disturbance: Disturbance?
}

extension ServerProcess {
    /// Waits until the server is idle and puts a load on it.
    /// - Parameters:
    ///   - flags: the load generator's, but for the port and the number of connections.
    mutating func measure(
        tools: String, flags: [String], connections: Int, core: Int? = nil
    ) throws(MillraceError) -> LoadOutcome {
        waitUntilItIsIdle()
        let processes = processes
        var usage = Measurement.Usage(
            cpuNanoseconds: 0, memoryBefore: ProcessSampler.residentBytes(of: processes), memoryAtStart: 0, memoryAtStop: 0)
        var before: MachineSnapshot?
        var disturbance: Disturbance?
        let clients = try LoadClients(
            tools: tools, flags: flags + ["--port", "\(port)"], connections: connections, directory: directory, core: core)
        let load = try clients.measure {
            before = ProcessSampler.snapshot()
        } atStart: {
            usage.cpuNanoseconds = ProcessSampler.cpuNanoseconds(of: processes)
            usage.memoryAtStart = ProcessSampler.residentBytes(of: processes)
        } atStop: {
            usage.cpuNanoseconds = ProcessSampler.cpuNanoseconds(of: processes) - usage.cpuNanoseconds
            usage.memoryAtStop = ProcessSampler.residentBytes(of: processes)
            disturbance = ProcessSampler.disturbance(since: before)
        }
        return LoadOutcome(load: load, usage: usage, disturbance: disturbance)
    }
}

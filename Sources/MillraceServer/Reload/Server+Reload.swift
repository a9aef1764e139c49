import Glibc
import Millrace
import MillraceCore
import MillraceEventLoop

extension Server {
    /// Waits for a signal that ends or restarts the server. Those for a reload, and files that change, are dealt with here.
    func nextSignal(_ signals: borrowing SignalWatch, _ reload: inout SettingsReload?) -> Int32 {
        while true {
            let milliseconds = reload == nil ? 0 : Int(settings.watchSeconds * 1000)
            guard let signal = signals.next(milliseconds: milliseconds > 0 ? milliseconds : nil) else {
                if reload?.filesHaveChanged() == true { self.reload(&reload, reason: "a file changed") }
                continue
            }
            guard signal == SIGHUP else { return signal }
            if reload?.hasLostTerminal == true { return SIGHUP }
            if reload == nil {
                logger.warning("SIGHUP: this server was started without a configuration that could be read again")
            } else {
                self.reload(&reload, reason: "SIGHUP")
            }
        }
    }

    private func reload(_ reload: inout SettingsReload?, reason: String) {
        guard var using = reload else { return }
        notify(.reloading(status: "reading the configuration", seconds: 10, monotonicNanoseconds: EventLoop.clock()))
        defer { notify(.ready(status: "listening on port \(port)")) }
        switch using.reload(check: { ConfiguredTools.problems($0, names: handlers.tools) }) {
        case .failed(let problems):
            logger.error(
                "the configuration is wrong, and the one before stays in use",
                ["reason": .string(reason), "problems": .array(problems.map { .string($0) })])
        case .changed(let handlers, let others):
            board.replace(using.report.settings.handlerValues)
            prompts.replace(files: using.report.settings.promptFiles)
            warnOfUnusedPrompts(using.report.settings)
            ConfiguredTools.warn(using.report.settings, self.handlers.tools, logger)
            logger.info("configuration reloaded", ["reason": .string(reason), "changed": .array(handlers.map { .string($0) })])
            if !others.isEmpty {
                logger.warning("changed settings that take a restart", ["settings": .array(others.map { .string($0) })])
            }
            for warning in using.report.warnings { logger.warning("configuration", ["warning": .string(warning.description)]) }
        }
        reload = using
    }
}

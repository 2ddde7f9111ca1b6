import ExampleSupport

/// Does what the command line asks for.
///
/// - Returns: The exit status: 0, 1 if it could not be done, 2 if the command line is wrong. After
///   a stop signal it does not return: the process dies of the signal, as its parent expects.
func runCopyFile(_ arguments: [String]) -> Int32 {
  Console.prepare()
  let command: Command
  do throws(UsageError) {
    command = try parseCommand(arguments)
  } catch {
    Console.writeError("copy-file: \(error.message)\nTry 'copy-file --help'.")
    return 2
  }

  // Before the first thread is started, which inherits what is blocked.
  let stop = StopSignals()
  prepareForFailingFiles()
  do throws(CopyError) {
    switch command {
    case .help: Console.write(helpText)
    case .demonstrate: try demonstrate(stop)
    case .copy(let options): try copyFile(options, stop)
    case .compare(let first, let second): try compareFiles(first, second, stop)
    }
    return 0
  } catch {
    Console.writeError("copy-file: \(error.message)")
    if case .stopped = error { stop.deliver() }
    return 1
  }
}

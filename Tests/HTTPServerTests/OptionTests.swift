import TestSupport
import Testing
import http_server

@Suite struct OptionTests {
  @Test func `all options`() throws {
    var options = ServerOptions()
    #expect(try parseCommand([]) == .serve(options))
    options.folder = "site"
    options.port = 0
    options.host = "::1"
    options.threads = 4
    options.connections = 7
    options.requestSeconds = 1
    options.idleSeconds = 2
    options.stopSeconds = 3
    let arguments = """
      --port 0 site --host ::1 --threads 4 --connections 7 --request-timeout 1 --idle-timeout 2 \
      --stop-timeout 3
      """
    #expect(try parseCommand(arguments.split(separator: " ").map(String.init)) == .serve(options))
    var dash = ServerOptions()
    dash.folder = "--port"
    #expect(try parseCommand(["--", "--port"]) == .serve(dash))
    #expect(try parseCommand(["--port", "1", "--help"]) == .help)
  }

  @Test(arguments: [
    (["--verbose"], "unknown option '--verbose'"), (["-p", "80"], "unknown option '-p'"),
    (["-"], "unknown option '-'"), (["--port"], "--port needs a value"),
    (["--port", "65536"], "--port: '65536' is not a number from 0 to 65535"),
    (["--port", "-1"], "--port: '-1' is not a number from 0 to 65535"),
    (["--port", "+1"], "--port: '+1' is not a number from 0 to 65535"),
    (["--port", ""], "--port: '' is not a number from 0 to 65535"),
    (["--port", "http"], "--port: 'http' is not a number from 0 to 65535"),
    (["--threads", "0"], "--threads: '0' is not a number from 1 to 256"),
    (["--threads", "1", "--threads", "1"], "--threads is given twice"),
    (["a", "b"], "too many folders: 'b'"), ([""], "the name of the folder is empty"),
  ])
  func `what makes no sense`(arguments: [String], message: String) {
    let error = #expect(throws: UsageError.self) { try parseCommand(arguments) }
    #expect(error?.message == message)
  }

  @Test func `exit statuses and messages`() throws {
    let program = try builtProduct("http-server")
    let help = try runProcess(program, ["--help"])
    #expect(help.end == .exit(0))
    #expect(help.output.contains("usage: http-server [FOLDER]"))
    let wrong = try runProcess(program, ["--verbose"])
    #expect(wrong.end == .exit(2))
    #expect(
      wrong.errors == "http-server: unknown option '--verbose'\nTry 'http-server --help'.\n")
    let missing = try runProcess(program, ["/none/such"])
    #expect(missing.end == .exit(1))
    #expect(missing.errors.contains("'/none/such': No such file or directory"))
    let file = try runProcess(program, ["/etc/passwd"])
    #expect(file.end == .exit(1))
    #expect(file.errors.contains("'/etc/passwd' is not a folder"))
    let server = try TestServer()
    let taken = try runProcess(program, ["--port", "\(server.port)"])
    #expect(taken.end == .exit(1))
    #expect(taken.errors.contains("Address already in use"))
    let unknown = try runProcess(program, ["--host", "no.such.host.invalid"])
    #expect(unknown.end == .exit(1))
    #expect(unknown.errors.contains("no.such.host.invalid"))
  }
}

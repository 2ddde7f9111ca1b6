import Glibc

/// Writes a whole file.
///
/// - Throws: ``ReportError`` if it cannot be written.
func writeFile(_ text: String, to path: String) throws(ReportError) {
  guard let file = fopen(path, "w") else { throw ReportError(path: path, errno: errno) }
  let written = fputs(text, file)
  guard fclose(file) == 0, written >= 0 else { throw ReportError(path: path, errno: errno) }
}

/// Finds out whether a file can be written; leaves what is in it.
///
/// - Throws: ``ReportError`` if it cannot.
func checkWritable(_ path: String) throws(ReportError) {
  guard let file = fopen(path, "a") else { throw ReportError(path: path, errno: errno) }
  fclose(file)
}

/// Reads a whole file.
///
/// - Throws: ``ReportError`` if it cannot be read.
func readFile(_ path: String) throws(ReportError) -> String {
  guard let file = fopen(path, "r") else { throw ReportError(path: path, errno: errno) }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 64 << 10)
  while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
    bytes += buffer.prefix(count)
  }
  guard ferror(file) == 0 else { throw ReportError(path: path, errno: errno) }
  return String(decoding: bytes, as: UTF8.self)
}

/// Why a report could not be written, or what it is based on not be read.
struct ReportError: Error, CustomStringConvertible {
  let path: String
  let errno: CInt

  var description: String { "\(path): \(String(cString: strerror(errno)))" }
}

/// Writes a line to standard error.
func complain(_ line: String) {
  var text = line + "\n"
  _ = text.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

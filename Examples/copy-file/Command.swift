/// What the command line asks for.
package enum Command: Equatable {
  /// Print the help.
  case help
  /// Compare the movers with `memcpy`.
  case demonstrate
  /// Copy a file.
  case copy(CopyOptions)
  /// Compare two files.
  case compare(String, String)
}

/// How to copy which file.
package struct CopyOptions: Equatable {
  /// The file to be copied.
  package var source: String
  /// The copy's name.
  package var destination: String
  /// Who copies.
  package var mover = MoverChoice.threads(nil)
  /// The bytes of one operation.
  package var chunkSize = 1 << 20
  /// Whether the copy must be on the disk in the end.
  package var isDurable = false
  /// Whether to write past the CPU caches.
  package var bypassesCache = false
  /// Whether to compare afterwards.
  package var verifies = false

  /// Copies with the defaults.
  package init(source: String, destination: String) {
    self.source = source
    self.destination = destination
  }
}

/// Who copies.
package enum MoverChoice: Equatable {
  /// The calling thread.
  case sync
  /// So many worker threads; `nil` for one for each processor.
  case threads(Int?)
  /// Intel's libdml: an accelerator, or else the calling thread.
  case dml
}

/// The largest numbers that options take.
enum Limit {
  /// Of `--threads`.
  static let threads = 1024
}

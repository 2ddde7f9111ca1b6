import Glibc

/// Where a copy goes, once that is known to be a place for it.
struct Destination {
  /// The copy's name.
  let path: String

  /// The directory that it will be in, where the temporary file is, too.
  var directory: String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Looks at what is there already.
  ///
  /// A symbolic link is followed: what it leads to is replaced.
  init(_ path: String, source: borrowing File) throws(CopyError) {
    guard !path.hasSuffix("/") else { throw .failed("'\(path)' is not the name of a file") }
    var there = stat()
    guard lstat(path, &there) == 0 else {
      guard errno == ENOENT, !path.isEmpty else { throw .system("cannot write '\(path)'") }
      self.path = path
      return
    }
    self.path = there.isLink ? try Self.follow(path) : path
    guard stat(self.path, &there) == 0 else { throw .system("cannot write '\(path)'") }
    guard !there.isSameFile(as: try source.status()) else {
      throw .failed("'\(source.path)' and '\(path)' are the same file")
    }
    guard !there.isDirectory else {
      throw .failed("'\(path)' is a directory: name the file as well")
    }
    guard there.isRegular else { throw .failed("'\(path)' is not a regular file") }
  }

  private static func follow(_ link: String) throws(CopyError) -> String {
    guard let target = realpath(link, nil) else {
      throw .system("cannot follow the symbolic link '\(link)'")
    }
    defer { free(target) }
    return String(cString: target)
  }
}

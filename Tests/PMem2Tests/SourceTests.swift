import Glibc
import TestSupport
import Testing

@testable import PMem2

@Suite struct SourceTests {
  @Test func `a descriptor is borrowed, a path is opened and closed`() throws {
    let file = try TestFile(byteCount: 10_000)
    do {
      let source = try Source(descriptor: file.descriptor)
      let (descriptor, count, alignment) = (
        source.descriptor, try source.byteCount, try source.alignment
      )
      #expect(descriptor == file.descriptor)
      #expect(count == 10_000 && alignment == getpagesize())
    }
    #expect(fcntl(file.descriptor, F_GETFD) >= 0)

    let opened: CInt
    do {
      let source = try Source(path: file.path)
      opened = source.descriptor ?? -1
      #expect(fcntl(opened, F_GETFL) & O_ACCMODE == O_RDWR)
      #expect(fcntl(opened, F_GETFD) & FD_CLOEXEC != 0)
    }
    let reader = try Source(path: file.path, writable: false)
    let flags = fcntl(reader.descriptor ?? -1, F_GETFL)
    #expect(flags & O_ACCMODE == O_RDONLY)
  }

  @Test func `the size is that of now`() throws {
    let file = try TestFile(byteCount: 1)
    let source = try Source(descriptor: file.descriptor)
    #expect(ftruncate(file.descriptor, 5000) == 0)
    let count = try source.byteCount
    #expect(count == 5000)
  }

  @Test func `anonymous memory has a size, and no descriptor`() throws {
    let source = Source.anonymous(byteCount: 12345)
    let (descriptor, count) = (source.descriptor, try source.byteCount)
    #expect(descriptor == nil && count == 12345)
  }

  private func error(_ descriptor: CInt) -> PMem2Error? {
    refusal { () throws(PMem2Error) in _ = try Source(descriptor: descriptor) }
  }

  @Test func `descriptors that are not open for reading are refused`() throws {
    let file = try TestFile()
    let writer = open(file.path, O_WRONLY | O_CLOEXEC)
    defer { close(writer) }
    // Beyond all descriptors that tests at the same time may open.
    let closed: CInt = 1_000_000
    for descriptor in [-1, CInt.min, writer, closed] {
      #expect(error(descriptor) == .invalidDescriptor(descriptor))
      #expect(error(descriptor)?.code == -100_004)
    }
  }

  @Test func `what is no file is refused`() throws {
    let directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(directory) }
    let pipe = try Pipe()
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    for (descriptor, type) in [(directory, S_IFDIR), (pipe.reader, S_IFIFO), (null, S_IFCHR)] {
      guard case .invalidFileType(let mode)? = error(descriptor) else {
        Issue.record("not refused")
        continue
      }
      #expect(mode & S_IFMT == type)
      #expect(error(descriptor)?.code == -100_005)
    }
    let path = refusal { () throws(PMem2Error) in _ = try Source(path: "/") }
    // Writing a directory is refused by open.
    #expect(path == .system(call: "open", errno: EISDIR))
    let readable = refusal { () throws(PMem2Error) in _ = try Source(path: "/", writable: false) }
    #expect(readable?.code == -100_005)
  }

  @Test func `a path that is not there is refused`() {
    let error = refusal { () throws(PMem2Error) in _ = try Source(path: "/nonexistent/file") }
    #expect(error == .system(call: "open", errno: ENOENT))
    #expect(error?.description == "open has failed: No such file or directory")
  }

  @Test func `a source whose descriptor was closed says so`() throws {
    let file = try TestFile()
    // A number that no other test gets.
    let number = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 900)
    let source = try Source(descriptor: number)
    close(number)
    let size = refusal { () throws(PMem2Error) in _ = try source.byteCount }
    #expect(size == .system(call: "fstat", errno: EBADF))
    let map = refusal { () throws(PMem2Error) in _ = try Map(source, Config(granularity: .page)) }
    #expect(map == .system(call: "fstat", errno: EBADF))
  }
}

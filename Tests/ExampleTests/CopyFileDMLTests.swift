import TestSupport
import Testing

@Suite struct CopyFileDMLTests {
  #if DML
    @Test(arguments: [[], ["--chunk", "999"], ["--durable", "--no-cache", "--verify"]])
    func `the DML mover copies files of all sizes`(options: [String]) throws {
      let directory = try ScratchDirectory()
      for size in [0, 1, 4097, 3 << 20 | 5] {
        let bytes = variedBytes(size)
        try directory.write("a", bytes)
        let result = try runProcess(
          builtProduct("copy-file"), [directory["a"], directory["b"], "--mover", "dml"] + options)
        #expect(result.end == .exit(0) && result.errors == "")
        #expect(directory.read("b") == bytes)
      }
    }
  #else
    @Test func `without the trait an error tells how to enable it`() throws {
      let directory = try ScratchDirectory()
      try directory.write("a", [1])
      let result = try copyFile(directory["a"], directory["b"], "--mover", "dml")
      #expect(result.end == .exit(1))
      #expect(result.errors.contains("--traits DML"))
      #expect(directory.names == ["a"])
    }
  #endif
}

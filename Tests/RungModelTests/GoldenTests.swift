import Glibc
import RungCore
import RungModel
import Testing

/// Files with mistakes and what is said about them. `RUNG_RECORD=1` writes what is said now into the `.expected` files.
///
/// A golden file is `pipelines/x/pipeline.yaml` of a small project. A line `#=== PATH` begins another file of it, and
/// `#=== link PATH` makes a symbolic link that leads out of the project.
@Suite struct GoldenTests {
  static let folder = String(#filePath.dropLast("GoldenTests.swift".count)) + "Golden"

  static var names: [String] {
    ProjectFiles.onDisk(root: folder).list(.root).filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
  }

  @Test(arguments: names)
  func saysWhatIsWrong(name: String) throws {
    let files = ProjectFiles.onDisk(root: Self.folder)
    let path = try #require(RelativePath("\(name).yaml"))
    let bytes = try #require(try files.read(path, 1_000_000))
    let mistakes = Self.project(bytes).mistakes()
    let said = mistakes.map(\.rendered).joined(separator: "\n\n") + "\n"
    #expect(!mistakes.isEmpty, "every golden file has a mistake")
    let expectedPath = try #require(RelativePath("\(name).expected"))
    if getenv("RUNG_RECORD") != nil {
      let file = try #require(fopen("\(Self.folder)/\(expectedPath)", "w"))
      fputs(said, file)
      fclose(file)
    } else {
      let expected = try files.read(expectedPath, 1_000_000).map { String(decoding: $0, as: UTF8.self) }
      #expect(said == expected)
    }
  }

  private static func project(_ bytes: [UInt8]) -> MemoryProject {
    var project = MemoryProject()
    var path = "pipelines/x/pipeline.yaml"
    var part: [UInt8] = []
    var wasWritten = false
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      let text = String(decoding: line, as: UTF8.self)
      if text.hasPrefix("#=== link ") {
        project.links.insert(String(text.dropFirst(10)))
      } else if text.hasPrefix("#=== ") {
        if !part.isEmpty || wasWritten { project.contents[path] = part }
        path = String(text.dropFirst(5))
        part = []
        wasWritten = true
      } else {
        part += line + [UInt8(ascii: "\n")]
      }
    }
    project.contents[path] = part
    return project
  }
}

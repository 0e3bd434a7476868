import RungCore
import RungModel
import Testing

/// What is proposed for files that a step was seen to read.
@Suite struct ProposalTests {
  private func paths(_ texts: [String]) throws -> Set<RelativePath> {
    Set(try texts.map { try #require(RelativePath($0)) })
  }

  @Test func coveredFiles() throws {
    var declared = DeclaredFiles()
    declared.declare(try #require(RelativePath("x/fit.py")), .path)
    declared.declare(try #require(RelativePath("lib")), .path)
    declared.declare(try #require(RelativePath("x/data/*.csv")), .glob)
    func covers(_ text: String) throws -> Bool { declared.covers(try #require(RelativePath(text))) }
    for path in ["x/fit.py", "lib/a/b.py", "x/data/1.csv"] { #expect(try covers(path)) }
    for path in ["x/fit.pyc", "library", "x/data/1.txt", "x/data/s/1.csv"] { #expect(try !covers(path)) }
    var all = DeclaredFiles()
    all.declare(.root, .path)
    #expect(all.covers(try #require(RelativePath("a/b"))))
  }

  @Test func manyFilesOfAKindBecomeAGlob() throws {
    let many = (1...21).map { "d/\($0).csv" }
    let project = MemoryProject(Dictionary(uniqueKeysWithValues: (many + ["d/x.txt", "d/.h.csv"]).map { ($0, "") }))
    func proposed(_ missing: [String], read: [String] = []) throws -> [String] {
      let missing = try paths(missing)
      return InputProposals.inputs(for: missing, read: try missing.union(paths(read)), files: project.files)
        .map { ($0.form == .glob ? "glob " : "") + $0.path.text }
    }
    #expect(
      try proposed(many + ["d/x.txt", "d/.h.csv"])
        == ["glob d/*.csv", "d/.h.csv", "d/x.txt"].sorted {
          $0.split(separator: " ").last ?? "" < $1.split(separator: " ").last ?? ""
        })
    // Twenty are no crowd.
    #expect(try proposed(Array(many.dropLast()), read: [many[20]]) == many.dropLast().sorted())
    // Another file that the glob would match.
    var more = project
    more.contents["d/other.csv"] = []
    #expect(
      InputProposals.inputs(for: try paths(many), read: try paths(many), files: more.files).map(\.form)
        == many.map { _ in .path })
    #expect(
      InputProposals.inputs(for: try paths(many), read: try paths(many + ["d/other.csv"]), files: more.files)
        == [NewInput(path: try #require(RelativePath("d/*.csv")), form: .glob)])
  }
}

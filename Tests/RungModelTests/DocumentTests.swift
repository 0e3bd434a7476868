import RungCore
import Testing

@testable import RungModel

/// The published schema and the documentation, against the reader.
@Suite struct DocumentTests {
  static let root = String(#filePath.dropLast("Tests/RungModelTests/DocumentTests.swift".count))

  static func text(_ path: String) throws -> String {
    let relative = try #require(RelativePath(path))
    let bytes = try #require(try ProjectFiles.onDisk(root: root).read(relative, 1_000_000))
    return String(decoding: bytes, as: UTF8.self)
  }

  // Each mapping of the schema and the keys that the reader knows for it.
  @Test func schemaHasTheReadersKeys() throws {
    let schema = try JSON(parsing: try Self.text("schema/pipeline.schema.json"))
    let parts = try #require(schema["$defs"])
    func keys(_ node: JSON?) -> [String]? { node?["properties"]?.members?.map(\.name).sorted() }
    func mapping(in node: JSON?) -> JSON? { node?["anyOf"]?.array?.first { $0["properties"] != nil } }
    #expect(keys(schema) == Keys.pipeline.sorted())
    #expect(keys(parts["step"]) == Keys.step.sorted())
    #expect(keys(parts["defaults"]) == Keys.step.filter { !Keys.notForDefaults.contains($0) }.sorted())
    #expect(keys(parts["axisMapping"]) == Keys.axis.sorted())
    #expect(keys(parts["environment"]) == Keys.environment.sorted())
    #expect(keys(mapping(in: parts["input"])) == Keys.input.sorted())
    #expect(keys(mapping(in: parts["output"])) == Keys.output.sorted())
    #expect(keys(parts["tolerance"]) == Keys.tolerance.sorted())
    #expect(keys(parts["resources"]) == Keys.resources.sorted())
    #expect(keys(parts["profile"]) == Keys.profile.sorted())
    #expect(keys(parts["loop"]) == Keys.loop.sorted())
    #expect(keys(parts["claim"]) == Keys.claim.sorted())
    #expect(keys(mapping(in: parts["claim"]?["properties"]?["within"])) == Keys.claimTolerance.sorted())
    let forms = parts["axisMapping"]?["oneOf"]?.array?.compactMap { $0["required"]?.array?.first?.string }
    #expect(forms == Keys.axisForms)
  }

  // Editors show these: every property has one.
  @Test func schemaDescribesEverything() throws {
    let schema = try JSON(parsing: try Self.text("schema/pipeline.schema.json"))
    var open = [("", schema)]
    while let (path, node) = open.popLast() {
      for member in node.members ?? [] {
        if member.name == "properties" {
          for property in member.value.members ?? [] {
            let isDescribed =
              property.value["description"] != nil || property.value["$ref"] != nil || property.value["anyOf"] != nil
            #expect(isDescribed, "\(path)/\(property.name)")
          }
        }
        open.append(("\(path)/\(member.name)", member.value))
      }
      for item in node.array ?? [] { open.append((path, item)) }
    }
  }

  /// Every YAML block of the format's reference loads; a fragment gets what it lacks.
  @Test func documentedExamplesLoad() throws {
    let parts = try Self.text("docs/formats/pipeline.md").split(separator: "```")
    let blocks = parts.filter { $0.hasPrefix("yaml\n") }.map { String($0.dropFirst(5)) }
    #expect(blocks.count == 8)
    for block in blocks {
      var text = block.hasPrefix("pipeline:") ? block : "pipeline: example\n" + block
      if !text.contains("\nsteps:") { text += "steps: {s: {run: 'echo > {out.o}', outputs: {o: o}}}\n" }
      var files = ["pipelines/x/pipeline.yaml": text, "pipelines/x/sites.csv": "name,code,height\nnorth,N,3\n"]
      for name in [
        "measure.py", "theory.py", "figure.py", "count.sh", "data/a.csv", "notes[1].txt", "Makefile",
      ] { files["pipelines/x/\(name)"] = "" }
      #expect(MemoryProject(files).mistakes().map(\.rendered) == [])
    }
  }
}

import RungCore
import RungEngine
import RungModel
import Testing

/// Records found by the name of an instance, without the project's files.
@Suite struct PastInstanceTests {
  private func find(_ name: String, in lab: Lab) throws -> Digest? {
    try PastInstance.find(name, root: lab.root, settings: ProjectSettings(), variables: lab.variables)?.digest
  }

  @Test func aWholeNameIsFoundAndNothingElse() throws {
    let lab = EditStories.lab()
    #expect(try find("x/figure", in: lab) == nil)
    _ = try lab.run()
    #expect(try find("x/figure", in: lab) == lab.why("x/figure").why.last?.record)
    #expect(try find("x/fit[width=1,seed=0]", in: lab) == lab.why("x/fit[width=1,seed=0]").why.last?.record)
    for other in ["figure", "x/fit", "x/fit[width=1]", "x/fit[*]", "x/*", "x", "pipelines/x/figures/figure.txt", ""] {
      #expect(try find(other, in: lab) == nil, "\(other)")
    }
  }

  /// A name that was one instance's may mean many by now.
  @Test func aStepThatHasInstancesWithAxesIsLeftToTheProject() throws {
    let lab = EditStories.lab()
    _ = try lab.run()
    var text = lab.read("pipelines/x/pipeline.yaml") ?? ""
    text = text.replacing("  figure:\n", with: "  figure:\n    over: [seed]\n")
    text = text.replacing("figures/figure.txt", with: "\"figures/{seed}.txt\"")
    lab.write("pipelines/x/pipeline.yaml", text.replacing("{samples} out", with: "{samples} {seed} out"))
    _ = try lab.run()
    #expect(try find("x/figure", in: lab) == nil)
    #expect(try find("x/figure[seed=0]", in: lab) != nil)
  }
}

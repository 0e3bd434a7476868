import Glibc
import RungCore
import RungLedger
import Testing

@testable import RungTrace

@Suite struct ImpactTests {
  private func impact(_ world: World, _ path: String) throws -> Impact {
    try ImpactFinder(store: world.store, ledger: world.ledger, project: ".", root: world.root).impact(ofFileAt: path)
  }

  @Test func everythingThatASourceTouchedIsFoundAndNothingElse() throws {
    let world = try World()
    world.write("now", to: "data.csv")
    let a = try world.run("p/fit[n=1]", [source("data.csv", "now"), source("fit.py")])
    let b = try world.run("p/fit[n=2]", [source("data.csv", "then"), source("fit.py")])
    let aside = try world.run("p/aside", [source("fit.py")])
    let figure = try world.run("p/figure", [try world.collect("all", [a, b]), source("figure.py")])
    let other = try world.run("p/other", [aside.input()])
    try world.publish(figure, "out", at: "figures/a.svg")
    try world.publish(other, "out", at: "figures/b.svg")
    let found = try impact(world, "\(world.root)/data.csv")
    #expect(found.path == "data.csv")
    #expect(found.contents.map(\.isCurrent) == [true, false])
    #expect(found.contents.map(\.readers) == [["p/fit"], ["p/fit"]])
    #expect(found.figures.map(\.path) == ["figures/a.svg"])
    #expect(found.figures.first?.through == ["p/fit", "p/figure"] && found.figures.first?.contents == [0, 1])
    #expect(found.instances.map(\.instance) == ["p/figure", "p/fit[n=1]", "p/fit[n=2]"])
    #expect(found.instances.map(\.isDirect) == [false, true, true])
    #expect(try impact(world, "\(world.root)/fit.py").figures.count == 2)
  }

  @Test func observedFilesFoldersAndLocksCount() throws {
    let world = try World()
    let set = try world.observe(.project, [seen("helper.py"), seen("absent.py", "", .absent)])
    let sub = try world.store.put(Array("inner".utf8))
    let path = "\(world.folder)/data"
    mkdir(path, 0o755)
    let file = try #require(fopen("\(path)/x.csv", "w"))
    fputs("inner", file)
    fclose(file)
    let tree = try world.store.putTree(at: path).digest
    try world.run("p/a") { $0.observed.project = set }
    try world.run("p/b") { $0.environment = python }
    try world.run(
      "p/c", [Record.Input(name: "d", path: "data", kind: "tree", digest: tree, source: .project(path: "data"))])
    #expect(try impact(world, "\(world.root)/helper.py").instances.map(\.instance) == ["p/a"])
    #expect(try impact(world, "\(world.root)/demo/requirements.lock").instances.map(\.instance) == ["p/b"])
    let inner = try impact(world, "\(world.root)/data/x.csv")
    #expect(inner.instances.map(\.instance) == ["p/c"] && inner.contents.map(\.digest) == [sub.digest])
    #expect(throws: TraceError.self) { _ = try impact(world, "\(world.root)/absent.py") }
    #expect(throws: TraceError.self) { _ = try impact(world, "\(world.root)/data/y.csv") }
  }

  @Test func aFileFromElsewhereIsKnownByItsContent() throws {
    let world = try World()
    try world.run("p/a", [source("data.csv", "content")])
    world.write("content", to: "../copy")
    let found = try impact(world, "\(world.folder)/copy")
    #expect(found.path == nil && found.contents.map(\.paths) == [["data.csv"]])
    world.write("unknown", to: "../copy")
    let none = try impact(world, "\(world.folder)/copy")
    #expect(none.contents.isEmpty && none.text().contains("No published file"))
  }

  @Test func onlyLatestResultsCount() throws {
    let world = try World()
    try world.run("p/a", [source("data.csv", "old")])
    try world.run("p/a", [source("other.csv")])
    #expect(throws: TraceError.self) { _ = try impact(world, "\(world.root)/data.csv") }
  }
}

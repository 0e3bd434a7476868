import RungCore
import RungModel
import RungPlan
import Testing

@Suite struct DemandTests {
  private let capacity = Scheduler.Capacity(slots: 4, memory: 1000, gpus: ["0"], pools: ["licence": 1])

  @Test func slotsAreCutToWhatThereIs() throws {
    let graph = try BuildGraph([
      pipeline([step("a", resources: Resources(cpus: 9, memory: ByteCount(bytes: 500))), step("b")])
    ])
    let demands = try Scheduler.Demand.of(graph, needed: [true, true], capacity: capacity)
    #expect(demands == [Scheduler.Demand(slots: 4, memory: 500), Scheduler.Demand()])
  }

  @Test func allThatCannotBeHadIsToldAtOnceAndOnlyOfWhatIsNeeded() throws {
    let graph = try BuildGraph([
      pipeline([
        step("a", resources: Resources(gpus: 2)), step("b", resources: Resources(memory: ByteCount(bytes: 2000))),
        step("c", resources: Resources(pools: ["licence": 2])),
      ])
    ])
    let told = mistakes { _ = try Scheduler.Demand.of(graph, needed: [true, true, true], capacity: capacity) } ?? ""
    #expect(told.contains("'x/a' needs 2 GPUs; there are 1"))
    #expect(told.contains("'x/b' needs 2 kB of memory; steps may use 1 kB"), "\(told)")
    #expect(told.contains("'x/c' needs 2 of 'licence'; there are 1"))
    #expect(mistakes { _ = try Scheduler.Demand.of(graph, needed: [false, false, false], capacity: capacity) } == nil)
  }
}

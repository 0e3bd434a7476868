import Glibc
import RungCore
import RungExec
import Testing

@testable import RungEngine

/// Steps that are tried again, and others that fail meanwhile.
@Suite struct RetryStories {
  @Test func whatWouldBeTriedAgainIsCountedWhenAnotherStepEndsTheRun() throws {
    let lab = Lab()
    lab.simulated = false
    let pipe = "\(lab.root)/pipe"
    mkfifo(pipe, 0o644)
    lab.pipeline(
      """
      steps:
        again:
          run: read x < \(pipe); exit 3
          retries: 5
          outputs: {o: o.txt}
        bad:
          run: exit 2
          outputs: {o: o.txt}
      """)
    let session = try lab.session()
    // The one that may be tried again fails after the other has.
    let observe: @Sendable (RunEvent) -> Void = { event in
      guard case .stepFailed(let failure) = event, failure.exitCode == 2 else { return }
      pthread_detach(
        WorkerPool.start {
          let file = open(pipe, O_WRONLY)
          write(file, "go\n", 3)
          close(file)
        })
    }
    let ran = try lab.run(in: session, observe: observe)
    #expect(ran.counts == [0, 0, 0, 2, 0])
    #expect(ran.failures.compactMap(\.exitCode).sorted() == [2, 3])
    #expect(ran.executed == ["x/again", "x/bad"])
  }
}

import Glibc
import Testing

@testable import RungStore

/// A cache on a network file system is one machine's at a time; here the machines are names.
@Suite struct HostClaimTests {
  private func folder() -> String {
    let path = "/tmp/rung-host-\(getpid())-\(UInt64.random(in: .min ... .max))"
    mkdir(path, 0o755)
    return path
  }

  @Test func processesOfOneMachineUseItTogetherAndThoseOfAnotherAreToldWhoDoes() throws {
    let cache = folder()
    defer {
      unlink("\(cache)/host")
      rmdir(cache)
    }
    let first = try HostClaim(cache: cache, host: "a", kind: "NFS")
    let second = try HostClaim(cache: cache, host: "a", kind: "NFS")
    withExtendedLifetime((first, second)) {
      do {
        _ = try HostClaim(cache: cache, host: "b", kind: "NFS")
        Issue.record("b got in")
      } catch {
        #expect("\(error)".contains("lies on NFS and is in use on a;"))
      }
    }
  }

  @Test func whenAllAreGoneItIsAnybodys() throws {
    let cache = folder()
    defer {
      unlink("\(cache)/host")
      rmdir(cache)
    }
    do { _ = try HostClaim(cache: cache, host: "a", kind: "NFS") }
    let other = try HostClaim(cache: cache, host: "bb", kind: "NFS")
    let more = try HostClaim(cache: cache, host: "bb", kind: "NFS")
    withExtendedLifetime((other, more)) {}
  }

  @Test func aCacheOnAFileSystemOfThisMachineNeedsNone() throws {
    #expect(try HostClaim.of(cache: "/proc", host: "a") == nil)
  }
}

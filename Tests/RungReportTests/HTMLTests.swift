import Testing
@testable import RungReport


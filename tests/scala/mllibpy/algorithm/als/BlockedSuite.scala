package mllibpy.algorithm.als

import mllibpy.engine.{Duplicates, FloatRows, LocalSession, Shared}
import mllibpy.kernel.{Objective, Stride}
import org.scalatest.funsuite.AnyFunSuite

/** The blocked movement by itself. */
class BlockedSuite extends AnyFunSuite with LocalSession {
  test("parcels come in any order and are opened in that of their senders") {
    def parcel(from: Int, rows: Float*) =
      (7, new Parcel(from, new FloatRows(1, Stride.pad(rows.toArray, 1))))
    val opened = Blocked.open(Iterator(parcel(2, 5f), parcel(0, 1f, 2f), parcel(1, 3f, 4f)))
    assert(Stride.pack(opened, 1).toSeq == Seq(1f, 2f, 3f, 4f, 5f))
    assert(Blocked.open(Iterator.empty).isEmpty)
  }

  /** Closes right after a cut, when nothing has replaced the factors that were cut. */
  private def cutAndClose(): Unit = {
    val laidOut = LaidOut(Samples.ratings(sc), 3, Duplicates.Refuse, 10)
    try {
      val objective = Objective(implicitFeedback = true, 1f, 0.1f, nonnegative = false)
      val movement =
        new Blocked(
          laidOut,
          new BlockStep(Plan(3, objective, seed = 1), Side.map(laidOut(_).buckets), 9, 9)
        )
      try {
        val items = movement.initial(Side.Item)
        val users = movement.halfStep(Side.User, items, None)
        val (same, _) = movement.settle(Blocked.CutEvery - 1, users, items)
        assert(same eq users)
        val (cut, _) = movement.settle(Blocked.CutEvery, users, items)
        assert(cut ne users)
        assert(movement.collect(cut).toSeq == movement.collect(users).toSeq)
      } finally movement.close()
    } finally laidOut.release()
  }

  test("closed right after a cut, it leaves neither shared values nor files") {
    val before = Shared.held
    cutAndClose()
    assert(Shared.held == before)
    withFolder { folder =>
      sc.setCheckpointDir(folder.toString)
      try cutAndClose()
      finally sc.setCheckpointDir(null)
      assert(
        java.nio.file.Files.walk(folder).filter(java.nio.file.Files.isRegularFile(_)).count() == 0
      )
    }
  }
}

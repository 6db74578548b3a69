package mllibpy.algorithm.als

import mllibpy.engine.{IntegerIds, TextIds}
import mllibpy.kernel.{Scramble, Stride}
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

class FactorTableSuite extends AnyFunSuite with ScalaCheckPropertyChecks {

  /** Factors as a fit ends with them: rows in the order of the keys; each row says its key's place.
    */
  private def padded(n: Int, rank: Int) =
    Stride.pad(Array.tabulate(n * rank)(i => (i / rank).toFloat), rank)

  test("integer ids: rows in the order of the ids, and where each key went") {
    forAll { (some: Set[Long]) =>
      val keys = some.toSeq.map(Scramble.mix).sorted(Samples.unsigned).toArray
      val (table, rowOf) = FactorTable.of(IntegerIds, keys, padded(keys.length, 3), 3)
      assert(
        table.size == some.size && table.integerIds.toSeq == some.toSeq.sorted && table.names == null
      )
      for ((id, row) <- some.toSeq.sorted.zipWithIndex) {
        assert(
          table.rowOf(id) == row && table.find(Scramble.mix(id)) == row && table.showId(
            row
          ) == id.toString
        )
        val place = keys.indexOf(Scramble.mix(id))
        assert(rowOf(place) == row)
        assert(table.rows.slice(row * 3, row * 3 + 3).toSeq == Seq.fill(3)(place.toFloat))
      }
      for (id <- Seq(17L, Long.MaxValue) if !some(id)) assert(table.rowOf(id) == -1)
      assert(table.rowOf("17") == -1)
    }
  }

  test("text ids: rows in the order of the names' code points") {
    // U+FF5E sorts before U+1F600 by code point, after it by UTF-16 unit.
    val names = Seq("", "B", "a", "aa", "ä", "\uff5e", "\ud83d\ude00")
    val space = TextIds.of(names.reverse.toArray)
    val (table, rowOf) = FactorTable.of(space, space.keys, padded(names.length, 17), 17)
    assert(table.names.toSeq == names)
    for ((name, row) <- names.zipWithIndex) {
      assert(table.rowOf(name) == row && table.showId(row) == name)
      assert(table.rows(row * 17) == space.keys.indexOf(TextIds.key(name)).toFloat)
      assert(rowOf(space.keys.indexOf(TextIds.key(name))) == row)
    }
    assert(table.rowOf("b") == -1 && table.rowOf(0L) == -1)
  }

  test("a name that is not there but shares a key is not found") {
    val table = new FactorTable(1, Array(TextIds.key("here")), Array("elsewhere"), Array(1f))
    assert(table.rowOf("here") == -1)
  }

  test("no rows") {
    val (table, rowOf) = FactorTable.of(IntegerIds, Array(), Array(), 3)
    assert(table.size == 0 && rowOf.isEmpty && table.rowOf(1L) == -1)
  }
}

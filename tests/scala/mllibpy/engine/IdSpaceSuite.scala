package mllibpy.engine

import mllibpy.kernel.Scramble
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

class IdSpaceSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  test("texts are found by their keys, in unsigned order of these, each once") {
    forAll { (names: List[String]) =>
      // Lone surrogates have no UTF-8 and all become "?".
      val valid = names.filter(n => new String(n.getBytes("UTF-8"), "UTF-8") == n)
      val ids = TextIds.of((valid ++ valid.reverse).toArray)
      assert(ids.keys.length == valid.distinct.length)
      for (n <- valid)
        assert(ids.name(TextIds.key(n)).contains(n) && ids.textOf(TextIds.key(n)) == n)
      assert(
        ids.keys.toSeq == ids.keys
          .sortWith((a, b) => java.lang.Long.compareUnsigned(a, b) < 0)
          .toSeq
      )
    }
    val one = TextIds.of(Array("ann"))
    assert(one.name(5).isEmpty && one.textOf(5) == "?")
    assert(one.show(TextIds.key("ann")) == "'ann'" && IntegerIds.show(Scramble.mix(-3)) == "-3")
  }

  test("spaces of one kind unite, of two kinds do not") {
    val both = TextIds.of(Array("a", "b")).union(TextIds.of(Array("b", "c")))
    assert(both.asInstanceOf[TextIds].names.toSet == Set("a", "b", "c"))
    assert(IntegerIds.union(IntegerIds) == IntegerIds)
    for ((a, b) <- Seq((IntegerIds, both), (both, IntegerIds)))
      assert(intercept[InvalidInput](a.union(b)).kind == "type")
  }

  test("a text and an integer that look alike have different keys") {
    assert(TextIds.key("42") != Scramble.mix(42))
  }
}

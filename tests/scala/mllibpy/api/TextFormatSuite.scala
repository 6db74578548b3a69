package mllibpy.api

import mllibpy.engine.InvalidInput
import org.scalacheck.Gen
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

import java.nio.charset.StandardCharsets.UTF_8

class TextFormatSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  private def find(lines: String*): TextFormat =
    TextFormat.find("f", lines, "user", "item", "rating")

  private def columns(f: TextFormat) = (f.user, f.item, f.rating, f.time)

  test("a column of weights is one of the header's") {
    val lines = Seq("user,item,rating,timestamp,w", "1,2,3,4,5")
    assert(TextFormat.find("f", lines, "user", "item", "rating").weight == -1)
    assert(TextFormat.find("f", lines, "user", "item", "rating", Some("w")).weight == 4)
    for ((some, said) <- Seq(lines -> "no column 'x'", lines.tail -> "no header"))
      assert(
        intercept[InvalidInput](
          TextFormat.find("f", some, "user", "item", "rating", Some("x"))
        ).getMessage.contains(said)
      )
  }

  test("MovieLens files of all ages, and what people write by hand") {
    for (
      (line, separator, time) <- Seq(
        ("1::1193::5::978300760", "::", 3),
        ("1::1193::4.5", "::", -1),
        ("196\t242\t3\t881250949", "\t", 3),
        ("1,2,3.5", ",", -1),
        ("1;2;3", ";", -1),
        ("-1|2|-3e1|5", "|", 3),
        ("1,2,3,a comment", ",", -1)
      )
    ) {
      val f = find(line, line)
      assert(f.separator == separator && f.header.isEmpty && columns(f) == ((0, 1, 2, time)), line)
      assert(!f.textUsers && !f.textItems)
    }
  }

  test("a header names the columns, wherever they stand; the caller's names come first") {
    val movies = find("userId,movieId,rating,timestamp", "1,2,3.5,4")
    assert(
      movies.header.contains("userId,movieId,rating,timestamp") && columns(movies) == ((0, 1, 2, 3))
    )
    assert(columns(find("when,rating,item,user", "1,2,3,4")) == ((3, 2, 1, -1)))
    assert(columns(find("user_id, item_id, score", "1,2,3")) == ((0, 1, 2, -1)))
    val own =
      TextFormat.find("f", Seq("user,who,what,stars,rating", "1,2,3,4,5"), "who", "what", "stars")
    assert(columns(own) == ((1, 2, 3, -1)))
    assert(columns(find("user,item,rating")) == ((0, 1, 2, -1)))
  }

  test("ids that are no integers are texts, with a header or without") {
    for (lines <- Seq(Seq("ann,7,3"), Seq("user,item,rating", "ann,7,3"))) {
      val f = find(lines: _*)
      assert(f.textUsers && !f.textItems)
    }
    assert(find("7,the \"big\" one,3").textItems)
    assert(find("1,99999999999999999999,3").textItems)
  }

  test("quoted fields may hold separators") {
    assert(TextFormat.fields("1,\"a, b\",3", ",").toSeq == Seq("1", "a, b", "3"))
    assert(TextFormat.fields("1,\"say \"\"hi\"\"\",", ",").toSeq == Seq("1", "say \"hi\"", ""))
    assert(TextFormat.fields("a::\"b::c", "::").toSeq == Seq("a", "\"b", "c"))
    assert(TextFormat.fields("1,2,", ",").toSeq == Seq("1", "2", ""))
  }

  test("what is no rating is refused with its text, a missing column with the names there are") {
    def refused(lines: String*) = intercept[InvalidInput](find(lines: _*)).getMessage
    assert(refused("hello").startsWith("f, line 1: 'hello' is not a rating; expected"))
    assert(refused("1,2").startsWith("f, line 1: '1,2' is not a rating"))
    assert(
      refused(
        "who,item,rating",
        "1,2,3"
      ) == "f has no column 'user'; name one of its columns with user_col: who, item, rating"
    )
    assert(refused("user,item,time", "1,2,3").contains("no column 'rating'"))
    assert(refused("x" * 200).contains("x" * 77 + "...'"))
  }

  private val fast = new AsciiFields(",")

  /** A line of three fields through the fast way; None where it passes. */
  private def split(line: String): Option[(Long, Long, Float)] = {
    val bytes = line.getBytes(UTF_8)
    // What a reused buffer has behind the line must not matter.
    fast.split(bytes ++ "99,99".getBytes(UTF_8), bytes.length)
    val fields = (fast.long(bytes, 0), fast.long(bytes, 1), fast.float(bytes, 2))
    if (fast.plain) Some(fields) else None
  }

  test("the fast way through a line gives what the slow one gives, or passes") {
    val number = Gen.oneOf(
      Gen.long.map(_.toString),
      Gen.choose(-1000, 1000).map(_.toString),
      Gen.choose(-100.0, 100.0).map(_.toString),
      Gen.choose(0, 99999).map(i => s"${i / 1000}.${i % 1000}"),
      Gen.oneOf(
        "",
        "-",
        ".",
        "-.",
        "1.",
        ".5",
        "-0",
        "007",
        "1e3",
        " 1",
        "1 ",
        "NaN",
        "1_0",
        "--1",
        "1.2.3",
        "\"1\"",
        "ä",
        "1" * 16,
        "1" * 19
      )
    )
    forAll(number, number, number, minSuccessful(2000)) { (u: String, i: String, r: String) =>
      for ((user, item, rating) <- split(s"$u,$i,$r")) {
        assert(u.toLong == user && i.toLong == item)
        assert(Math.abs(r.toFloat - rating) <= Math.ulp(rating), s"'$r'")
      }
    }
    for (r <- 0 to 50) assert(split(s"1,-2,${r / 10.0}").contains((1L, -2L, (r / 10.0).toFloat)))
    assert(split("1,2,3,4,5").contains((1L, 2L, 3f)))
    for (
      bad <- Seq("", "1", "1,2", "1,2,", "1,,3", ",2,3", "1,2,x", "1;2;3", "\"1\",2,3", "1,2.0,3")
    ) assert(split(bad).isEmpty, bad)
  }

  test("the fast way with a separator of two characters") {
    val f = new AsciiFields("::")
    val line = "12::3::4.5::6".getBytes(UTF_8)
    f.split(line, line.length)
    assert(
      (f.long(line, 0), f.long(line, 1), f.float(line, 2), f.long(line, 3)) == ((
        12L,
        3L,
        4.5f,
        6L
      )) && f.plain
    )
    val one = "1:2::3".getBytes(UTF_8)
    f.split(one, one.length)
    f.long(one, 0)
    assert(!f.plain)
  }
}

package mllibpy.api

import mllibpy.algorithm.als.Ratings
import mllibpy.engine.{IdSpace, IntegerIds, InvalidInput, TextIds, Triples}
import org.apache.spark.rdd.RDD

import java.nio.charset.StandardCharsets.UTF_8

/** Why a piece of input cannot be used: where it stands (a file and an offset, or a column and a
  * count).
  */
final case class Problem(place: String, at: Long, text: String)

/** A chunk as a source gives it: good triples, the texts among the ids, and what was wrong. */
final class Parsed(
    val triples: Triples,
    val userNames: Array[String],
    val itemNames: Array[String],
    val problems: Seq[Problem]
) extends Serializable

object Parsed {

  /** Ratings from parsed chunks: names are gathered now where ids are texts, problems are reported
    * by the first check.
    */
  def ratings(
      parsed: RDD[Parsed],
      textUsers: Boolean,
      textItems: Boolean,
      timed: Boolean,
      weighted: Boolean,
      source: String,
      report: Seq[Problem] => InvalidInput
  ): Ratings = {
    // No more than a few to a partition.
    val check = () => {
      val problems = parsed.flatMap(_.problems).collect().toSeq
      if (problems.nonEmpty) throw report(problems.sortBy(p => (p.place, p.at)))
    }
    def build(users: IdSpace, items: IdSpace) =
      new Ratings(
        parsed.map(_.triples),
        users,
        items,
        timed,
        source,
        Some(parsed),
        check = check,
        weighted = weighted
      )
    if (textUsers || textItems) {
      // Gathering names is a pass over the source; keep what it parsed.
      parsed.persist(Ratings.Kept)
    }
    try {
      if (textUsers || textItems) check()
      build(
        space(textUsers, parsed.flatMap(_.userNames)),
        space(textItems, parsed.flatMap(_.itemNames))
      )
    } catch { case e: Throwable => parsed.unpersist(blocking = false); throw e }
  }

  private def space(text: Boolean, names: RDD[String]): IdSpace =
    if (text) TextIds.of(names.distinct().collect()) else IntegerIds

  def utf8(bytes: Array[Byte], from: Int, until: Int): String =
    new String(bytes, from, until - from, UTF_8)
}

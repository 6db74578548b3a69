package mllibpy.api

import mllibpy.algorithm.als.Ratings
import mllibpy.engine.{InvalidInput, TextIds, Triples, TriplesBuilder}
import mllibpy.kernel.Scramble
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.functions.col
import org.apache.spark.sql.types.{
  ByteType,
  DataType,
  DateType,
  IntegerType,
  LongType,
  NumericType,
  ShortType,
  StringType,
  TimestampType
}
import org.apache.spark.sql.{Column, DataFrame}

import scala.collection.mutable

/** Ratings from a Spark DataFrame: columns of integers or texts, and a number. */
object FrameRatings {
  private final val Time = "timestamp"

  def read(
      df: DataFrame,
      userCol: String,
      itemCol: String,
      ratingCol: String,
      weightCol: Option[String],
      source: String
  ): Ratings = {
    val named = Seq("user_col" -> userCol, "item_col" -> itemCol, "rating_col" -> ratingCol) ++
      weightCol.map("weight_col" -> _)
    for ((parameter, c) <- named) {
      val found = df.columns.count(_ == c)
      InvalidInput.unless(found <= 1, s"$source has $found columns '$c'; keep one")
      InvalidInput.unless(
        found == 1,
        s"$source has no column '$c'; name one of its columns with $parameter: ${df.columns.mkString(", ")}"
      )
    }
    val textUsers = idIsText(df, userCol, source)
    val textItems = idIsText(df, itemCol, source)
    for (c <- Seq(ratingCol) ++ weightCol)
      InvalidInput.unlessType(
        typeOf(df, c).isInstanceOf[NumericType],
        s"$source: column '$c' must hold numbers, not ${typeOf(df, c).simpleString}"
      )
    val timed = df.columns.contains(Time) && (integral(typeOf(df, Time)) || dated(typeOf(df, Time)))
    val columns =
      Seq(id(userCol, textUsers), id(itemCol, textItems), quoted(ratingCol).cast("float")) ++
        (if (timed) Seq(seconds(df)) else Nil) ++ weightCol.map(quoted(_).cast("float"))
    val names = Seq(userCol, itemCol, ratingCol) ++ (if (timed) Seq(Time) else Nil) ++ weightCol
    val shape = Shape(names.toArray, textUsers, textItems, timed, weightCol.nonEmpty)
    val parsed = df
      .select(columns: _*)
      .queryExecution
      .toRdd
      .mapPartitions(it => new RowParser(shape).parse(it))
    Parsed.ratings(
      parsed,
      textUsers,
      textItems,
      timed,
      weightCol.nonEmpty,
      source,
      report(source, _)
    )
  }

  private def report(source: String, nulls: Seq[Problem]): InvalidInput = {
    val counts = nulls.groupMapReduce(_.place)(_.at)(_ + _).toSeq.sorted
    val each = counts.map { case (column, n) => s"column '$column' has $n null values" }
    new InvalidInput(s"$source: ${each.mkString(" and ")}; drop or fill them")
  }

  private def dated(t: DataType): Boolean = t == TimestampType || t == DateType

  /** Integers as they are, dates as seconds. */
  private def seconds(df: DataFrame): Column =
    if (dated(typeOf(df, Time))) quoted(Time).cast(TimestampType).cast(LongType)
    else quoted(Time).cast(LongType)

  private def integral(t: DataType): Boolean =
    Seq(ByteType, ShortType, IntegerType, LongType).contains(t)
  private def quoted(name: String): Column = col(s"`${name.replace("`", "``")}`")
  private def id(name: String, text: Boolean): Column =
    if (text) quoted(name) else quoted(name).cast(LongType)
  private def typeOf(df: DataFrame, name: String): DataType = df.schema(name).dataType

  private def idIsText(df: DataFrame, name: String, source: String): Boolean =
    typeOf(df, name) match {
      case t if integral(t) => false
      case _: StringType    => true
      case other            =>
        throw new InvalidInput(
          s"$source: column '$name' must hold integer or text ids, not ${other.simpleString}; cast it to long or string",
          "type"
        )
    }

  final case class Shape(
      names: Array[String],
      textUsers: Boolean,
      textItems: Boolean,
      timed: Boolean,
      weighted: Boolean
  )
}

private final class RowParser(shape: FrameRatings.Shape) {
  private val builder = new TriplesBuilder(1024, shape.timed, shape.weighted)
  private val users = mutable.Set.empty[String]
  private val items = mutable.Set.empty[String]
  private val nulls = new Array[Long](shape.names.length)

  def parse(rows: Iterator[InternalRow]): Iterator[Parsed] = new Iterator[Parsed] {
    private var ended = false
    def hasNext: Boolean = !ended
    def next(): Parsed = {
      while (builder.size < Triples.ChunkSize && rows.hasNext) add(rows.next())
      ended = !rows.hasNext
      new Parsed(
        builder.result(),
        if (ended) users.toArray else Array.empty,
        if (ended) items.toArray else Array.empty,
        if (ended) problems else Nil
      )
    }
  }

  private def add(row: InternalRow): Unit = {
    val missing = nulls.indices.filter(row.isNullAt)
    missing.foreach(i => nulls(i) += 1)
    if (missing.isEmpty)
      builder.add(
        key(row, 0, shape.textUsers, users),
        key(row, 1, shape.textItems, items),
        row.getFloat(2),
        if (shape.timed) row.getLong(3) else 0,
        if (shape.weighted) row.getFloat(nulls.length - 1) else 1f
      )
  }

  private def key(row: InternalRow, at: Int, text: Boolean, seen: mutable.Set[String]): Long =
    if (text) {
      val s = row.getUTF8String(at).toString
      seen += s
      TextIds.key(s)
    } else Scramble.mix(row.getLong(at))

  private def problems: Seq[Problem] =
    nulls.indices.filter(nulls(_) > 0).map(i => Problem(shape.names(i), nulls(i), "null"))
}

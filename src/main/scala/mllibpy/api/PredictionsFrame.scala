package mllibpy.api

import mllibpy.algorithm.als.{AlsModel, FactorTable}
import mllibpy.engine.{InvalidInput, Lasting}
import org.apache.spark.sql.api.java.UDF2
import org.apache.spark.sql.functions.{col, udf}
import org.apache.spark.sql.types.{
  BooleanType,
  ByteType,
  FloatType,
  IntegerType,
  LongType,
  ShortType,
  StringType
}
import org.apache.spark.sql.{Column, DataFrame}

/** A DataFrame of users and items with what the model predicts for them as a further column, float.
  * Executors compute it when it is used. With cold_start "drop", rows of unknown users or items are
  * left out.
  */
object PredictionsFrame {
  private final val Added = "prediction"

  def of(m: AlsModel, df: DataFrame, userCol: String, itemCol: String): DataFrame = {
    val ids = Seq(idColumn(df, userCol, m.users, "users"), idColumn(df, itemCol, m.items, "items"))
    val model = Lasting(df.sparkSession.sparkContext, m.withoutSeen)
    val known =
      if (m.params.coldStart != "drop") df
      else df.filter(udf(new Known(model, userCol, itemCol), BooleanType)(ids: _*))
    known.withColumn(Added, udf(new Predicted(model, userCol, itemCol), FloatType)(ids: _*))
  }

  private def idColumn(df: DataFrame, name: String, t: FactorTable, what: String): Column = {
    val column = col(s"`${name.replace("`", "``")}`")
    val text = df.schema(name).dataType match {
      case ByteType | ShortType | IntegerType | LongType => false
      case _: StringType                                 => true
      case other                                         =>
        throw new InvalidInput(
          s"the Spark DataFrame: column '$name' must hold integer or text ids, not ${other.simpleString}; cast it to long or string",
          "type"
        )
    }
    val kind = if (t.names == null) "integer" else "text"
    InvalidInput.unlessType(
      text == (t.names != null),
      s"$what must be $kind ids, as in the training data: cast column '$name' to ${if (text) "long"
        else "string"}"
    )
    if (text) column else column.cast(LongType)
  }
}

/** Something of the rows of a user and an item, -1 where the model does not know them. */
private abstract class OfPair[T](model: Lasting[AlsModel], userCol: String, itemCol: String)
    extends UDF2[Any, Any, T] {
  protected def of(m: AlsModel, user: Int, item: Int): T

  override def call(user: Any, item: Any): T = {
    val m = model.value
    of(m, row(m.users, user, userCol), row(m.items, item, itemCol))
  }

  private def row(t: FactorTable, id: Any, column: String): Int = id match {
    case i: Long   => t.rowOf(i)
    case s: String => t.rowOf(s)
    case _         => throw new InvalidInput(s"column '$column' has null ids; drop or fill them")
  }
}

private final class Predicted(model: Lasting[AlsModel], userCol: String, itemCol: String)
    extends OfPair[Float](model, userCol, itemCol) {
  protected def of(m: AlsModel, user: Int, item: Int): Float = m.predict(user, item)
}

private final class Known(model: Lasting[AlsModel], userCol: String, itemCol: String)
    extends OfPair[Boolean](model, userCol, itemCol) {
  protected def of(m: AlsModel, user: Int, item: Int): Boolean = user >= 0 && item >= 0
}

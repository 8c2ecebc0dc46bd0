/** Words that generated dialogues are made of. */

/** Persons. */
export const NAMES = ["Anna", "Boris", "Chiara", "Deniz", "Emil", "Farida", "Goran", "Hana", "Ivo", "Jun"];

/** Attributes that are told, how a question spells them, and their values. */
export const ATTRIBUTES: ReadonlyArray<readonly [told: string, asked: string, values: ReadonlyArray<string>]> = [
  ["favourite colour", "favorite color", ["teal", "ochre", "violet", "white"]],
  ["home city", "home city", ["Porto", "Gdansk", "Turku", "Leeds"]],
  ["telephone number", "telephone number", ["5550114", "5550171", "5550192"]],
  ["job title", "job title", ["welder", "archivist", "surveyor", "pilot"]],
  ["travelling companion", "traveling companion", ["a terrier", "a cousin", "a colleague"]],
];

/** Attributes that nobody is told of. */
export const UNSAID = ["blood type", "shoe size", "passport expiry"];

/** Chinese names. */
export const HAN_NAMES = ["小明", "小红", "老王", "李娜"];

/** Chinese attributes with values. */
export const HAN_ATTRIBUTES: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["电话", ["一二三四五", "九八七六五", "五五五零一"]],
  ["住址", ["北京路", "南山街", "西湖边"]],
  ["职业", ["医生", "木匠", "飞行员"]],
];

/** What was done, how a question says it, and to what: one thing for time, one for sessions, one never mentioned. */
export const ACTIVITIES: ReadonlyArray<readonly [did: string, ask: string, things: ReadonlyArray<string>]> = [
  ["visited", "visit", ["the dentist", "museum", "the submarine"]],
  ["repaired", "repair", ["the bicycle", "clock", "the harpsichord"]],
  ["painted", "paint", ["the fence", "mural", "the zeppelin"]],
  ["attended", "attend", ["the choir", "concert", "the coronation"]],
  ["photographed", "photograph", ["the harbour", "lighthouse", "the eclipse"]],
];

/** Places. */
export const PLACES = ["Bergen", "Cadiz", "Delft", "Evora", "Fano", "Ghent", "Hilo", "Izmir"];

/** Talk that answers nothing. */
export const CHATTER = [
  "I was thinking about NAME while walking through PLACE.",
  "Did you ever hear how people talk about THING in PLACE?",
  "Is there anything new about NAME, what do you think now?",
  "NAME sent N photos from PLACE and I liked them.",
  "What would it cost to see THING again, maybe N euros?",
  "The weather in PLACE was bad for N days.",
  "I read N pages about colour, numbers and cities tonight.",
  "NAME laughed about the title of a book on PLACE.",
  "Please remind me to call NAME about ticket N.",
  "我在想今天吃什么，大概N块钱。",
];

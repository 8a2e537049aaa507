// The words of each topic. A new topic is a new line in every list; the plot needs nothing else.
#include <gradus/data/stories/words.h>

namespace gradus::data::tables {

const std::string_view topic_words = R"(
place by topic
  kitchen: kitchen 3, bakery 3, cafe 2
  river: river 3, harbour 3, bank/river 3
  garden: garden 3, orchard 3, park 2
  money: bank/money 4, mint 2, treasury 2
  office: office 3, laboratory 3, workshop 2
  school: school 3, library 3, classroom 2
  music: theatre 3, studio 3, opera 2
  farm: farm 3, stable 3, meadow 2

spot by topic
  kitchen: stove 3, cupboard 2
  river: bridge 3, rock 2
  garden: fence 3, hedge 2
  money: counter 3, vault 2
  office: server 3, desk 2
  school: globe 3, blackboard 2
  music: stage 3, curtain 2
  farm: barn 3, haystack 2

other by topic
  kitchen: stove 1, cupboards 1
  river: bridge 1, rocks 1
  garden: fence 1, hedges 1
  money: counter 1, vaults 1
  office: server 1, desks 1
  school: globe 1, blackboards 1
  music: stage 1, curtains 1
  farm: barn 1, haystacks 1

thing by topic, number
  kitchen one: plate 3, pan 2, apple/fruit 2
  kitchen many: plates 3, pans 2, apples/fruit 2
  river one: boat 3, net 2, sail 2
  river many: boats 3, nets 2, sails 2
  garden one: bush 3, seed 2, leaf 2
  garden many: bushes 3, seeds 2, leaves 2
  money one: loan 3, bill 2, account 2
  money many: loans 3, bills 2, accounts 2
  office one: screen 3, keyboard 2, apple/company 2
  office many: screens 3, keyboards 2, apples/company 2
  school one: book 3, exam 2, lesson 2
  school many: books 3, exams 2, lessons 2
  music one: song 3, drum 2, bell 2
  music many: songs 3, drums 2, bells 2
  farm one: hen 3, pig 2, tractor 2
  farm many: hens 3, pigs 2, tractors 2

look by topic
  kitchen: hot 3, sweet 2, sticky 2
  river: wet 3, slippery 2, salty 2
  garden: green 3, thorny 2, leafy 2
  money: expensive 3, secret 2, golden 2
  office: electric 3, digital 2, modern 2
  school: difficult 3, hard 3, boring 2
  music: loud 3, noisy 3, famous 2
  farm: muddy 3, woolly 2, dusty 2

object by topic
  kitchen: cake 3, pie 3, pizza 2, soup 2
  river: salmon 3, trout 3, crab 2, turtle 2
  garden: rose 3, tulip 2, pear 2, apple/fruit 3
  money: coin 3, banknote 2, ring 3, necklace 2
  office: laptop 3, tablet 2, robot 3, printer 2
  school: poem 3, letter 2, map 2, drawing 3
  music: violin 3, guitar 3, flute 2, trumpet 2
  farm: pony 3, calf 2, goat 3, lamb 2

kind by object
  cake: dessert
  pie: dessert
  pizza: meal
  soup: meal
  salmon: fish
  trout: fish
  crab: animal
  turtle: animal
  rose: flower
  tulip: flower
  pear: fruit
  apple: fruit
  coin: treasure
  banknote: treasure
  ring: jewel
  necklace: jewel
  laptop: computer
  tablet: computer
  robot: machine
  printer: machine
  poem: text
  letter: text
  map: picture
  drawing: picture
  violin: instrument
  guitar: instrument
  flute: instrument
  trumpet: instrument
  pony: animal
  calf: animal
  goat: animal
  lamb: animal

make by topic
  kitchen: bake 3, taste 2, serve 2
  river: catch 3, follow 2, release 2
  garden: pick 3, grow 3, smell 2
  money: deposit 3, inherit 2, count 2
  office: program 3, build 3, test 2
  school: finish 3, study 2, copy 2
  music: play 3, tune 2, rehearse 2
  farm: feed 3, brush 3, lead 2

worker by topic
  kitchen: baker 3, waiter 2
  river: fisher 3, sailor 2
  garden: gardener 3, florist 2
  money: banker 3, cashier 2
  office: programmer 3, engineer 2
  school: teacher 3, pupil 2
  music: singer 3, pianist 2
  farm: farmer 3, shepherd 2

tool by topic
  kitchen: spoon 3, knife 2, flour 2
  river: rope 3, bucket 2, hook 2
  garden: rake 3, shovel 2, ladder 2
  money: key 3, receipt 2, wallet 2
  office: mouse 3, battery 2, software 2
  school: pencil 3, chalk 2, notebook 3
  music: microphone 3, piano 2, ticket 2
  farm: pitchfork 3, whistle 2, saddle 2
)";

}  // namespace gradus::data::tables

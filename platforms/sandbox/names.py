"""Names and fictional numbers for the people of the simulated business."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


WOMEN = _words("""
    Ada Alma Amelia Amy Angela Anita Audrey Bella Beth Camila Cara Celia Chloe Clara Cora Dana
    Daniela Debra Diana Elena Elisa Ella Emma Erin Esther Eva Fiona Flora Freya Gabriela Gina
    Grace Hannah Hazel Helen Holly Ines Iris Isabel Ivy Jane Jasmine Joan Josie Julia June Karen
    Kate Keiko Laila Laura Leah Lena Lily Linda Lucia Lucy Luna Mae Maria Marisol Mei Mia Mila
    Mona Nadia Nina Nora Olga Olivia Paula Pearl Petra Priya Rachel Renee Rita Rosa Ruby Ruth
    Sara Selma Sofia Stella Tara Tess Uma Valeria Vera Violet Wanda Ximena Yara Zoe
""")
MEN = _words("""
    Aaron Abel Adam Alan Alex Amir Andre Arjun Ben Bruno Caleb Carl Cesar Chris Colin Damian
    Daniel David Diego Drew Eli Emil Eric Ethan Felix Finn Frank Gabriel George Glen Hank Hugo
    Ian Isaac Ivan Jack James Javier Joel Jonas Jorge Jude Kai Karl Kenji Kurt Leo Liam Louis
    Luis Marco Mark Mateo Max Miles Nate Neil Nico Noah Omar Oscar Owen Pablo Paul Pete Rafael
    Ray Reed Rob Ross Ryan Sam Sergio Seth Simon Theo Tim Tom Tomas Victor Wade Will Yusuf Zane
""")
SURNAMES = _words("""
    Abbott Acosta Adler Ahmed Alvarez Archer Ash Bailey Banks Barrera Bauer Bell Blake Bloom
    Boyd Brandt Brooks Burke Byrne Cabrera Carver Castro Chan Chavez Clarke Cole Conway Cortez
    Crane Cruz Dalton Das Delgado Diaz Doyle Drake Duran Eastman Ellis Espinoza Farley Fields
    Fisher Flores Foster Fox Frost Fuentes Garner Garza Gibbs Gold Gomez Grant Greer Guerra Hale
    Hansen Harper Hayes Herrera Hobbs Holt Hsu Hughes Ibarra Ingram Jansen Jimenez Joyce Juarez
    Kane Kaplan Keller Khan Kim Kirby Klein Lamb Larsen Lee Leon Lin Lopez Lowe Lucas Lynn Mann
    Marsh Medina Mejia Mendez Meyer Mills Mora Morales Moss Munoz Nash Navarro Ng Nolan Novak
    Nunez Ochoa Okafor Ortega Ortiz Owens Pace Padilla Park Patel Peck Pena Perez Pham Pierce
    Pope Price Quinn Ramos Reyes Rhodes Rios Rivera Roe Rojas Romero Rowe Ruiz Salas Santos Sato
    Shah Shaw Silva Singh Snow Solis Soto Stark Stone Suarez Tate Torres Tran Underwood Valdez
    Vance Vargas Vega Vogel Walsh Ward Watts Webb Weiss Wells West Wolfe Wong Wood Yates York
    Young Zamora Zeller
""")
SPANISH = frozenset(
    _words("""
    Acosta Alvarez Barrera Cabrera Castro Chavez Cortez Cruz Delgado Diaz Duran Espinoza Flores
    Fuentes Garza Gomez Guerra Herrera Ibarra Jimenez Juarez Leon Lopez Medina Mejia Mendez Mora
    Morales Munoz Navarro Nunez Ochoa Ortega Ortiz Padilla Pena Perez Ramos Reyes Rios Rivera
    Rojas Romero Ruiz Salas Santos Silva Solis Soto Suarez Torres Valdez Vargas Vega Zamora
""")
)


def phone(area_codes: tuple[int, ...], number: int) -> str:
    """The `number`-th fictional US number of a location, digits without the country code.

    555-0100 to 555-0199 is set aside for fiction; larger places go on through the rest of 555,
    which is not in use for lines either.
    """
    area = area_codes[number % len(area_codes)]
    line = 100 + number // len(area_codes)
    return f"{area}555{line % 10000:04d}"

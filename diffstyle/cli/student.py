"""`diffstyle student`"""

from __future__ import annotations


def list_students() -> int:
    """Name every student on this machine, with its size and the styles that it paints, by their numbers."""
    from diffstyle.assets.students import SHIPPED, student_file, student_names, students_folder
    from diffstyle.core.errors import InputError
    from diffstyle.engines.feedforward.student import read_student

    for name in student_names():
        try:
            student = read_student(student_file(name))
        except InputError as error:
            print(f"{name:<24} {error}")
            continue
        parameters = sum(p.numel() for p in student.network.parameters())
        whose = "comes with diffstyle" if name == SHIPPED else "yours"
        size = f"{student.network.size}, pruned" if student.network.pruned else student.network.size
        print(f"{name:<24} {size:<13} {parameters:>9,} parameters   {whose}")
        for number, style in enumerate(student.styles, 1):
            print(f"  {number:>2}  {style.name}")
    print(f"Yours are in {students_folder()}.")
    return 0
